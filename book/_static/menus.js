// The theme opens its menus from the first button of each kind in the page. Those stand in a bar
// that it hides; without them the first ones are those that a reader sees.
for (const button of document.querySelectorAll(".bd-header .sidebar-toggle")) button.remove();
