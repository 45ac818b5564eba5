document.querySelector("#alive").addEventListener("click", ({ target }) => target.classList.toggle("on"));
const fail = () => {
  throw new TypeError("of Ann Archer, ann@meadow.test");
};
for (const each of ["#broken", "#secret"]) document.querySelector(each).addEventListener("click", fail);
document.querySelector("#slow").addEventListener("click", ({ target }) => {
  for (const end = performance.now() + 120; performance.now() < end; );
  target.classList.toggle("on");
});
