// Calls of Segment's client that sites with it may make beside those of the core.
function segment({ api, listen, track }) {
  // (element or a list of them, name, properties); name and properties may be functions of the element.
  const onEach = (kind) => (elements, ...told) =>
    Array.from(elements?.nodeType ? [elements] : elements || []).forEach((element) =>
      listen(element, kind, () => track(...told.map((each) => (typeof each === "function" ? each(element) : each)))));
  api.trackLink = api.trackClick = onEach("click");
  api.trackForm = api.trackSubmit = onEach("submit");
  api.screen = api.pageview = api.page;
  "off once load debug timeout alias setAnonymousId register deregister addSourceMiddleware addDestinationMiddleware addIntegrationMiddleware"
    .split(" ").forEach((call) => (api[call] = api.on));
}
