// What pages are: not found, an answer to a search, left again at once. The rest comes by `load`.
function pages(house) {
  const { wanted, track, onPage } = house;
  const searches = (house.options.search || "q s search query keyword").split(" ");
  const loaded = performance.getEntriesByType("navigation")[0] || {};
  let isLoad = true;

  const missing = () => {
    const status = isLoad && loaded.responseStatus;
    if (status === 404 || status === 410 || document.querySelector("[data-wf-missing]")) track("Page Not Found");
  };
  const searched = () => {
    const given = new URLSearchParams(location.search);
    const words = searches.map((each) => given.get(each)).find(Boolean);
    if (words) track("Site Searched", { search_term: words.slice(0, 100) });
  };
  if (wanted("missing")) onPage.push(missing);
  if (wanted("searches")) onPage.push(searched);
  if ("surveys" in house.options) {
    const heard = [];
    house.onEvent.push((event) => heard.push(event));
    house.load("surveys", house, heard);
  }
  onPage.push(() => {
    if (wanted("backs") || wanted("vitals")) house.load("visit", house, isLoad, house.here(), Date.now(), loaded.type);
    isLoad = false;
  });
}
