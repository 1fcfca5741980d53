"""Data to pictures, as pure functions: colours, the layout of the graph, Plotly figures. No streamlit, no torch."""
