document.querySelector("#alive").addEventListener("click", ({ target }) => target.classList.toggle("on"));
