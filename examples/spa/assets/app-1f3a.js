document.getElementById("route").textContent = location.pathname;
