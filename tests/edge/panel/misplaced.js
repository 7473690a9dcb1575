// What lies over its neighbour, sticks out of what holds it, or has more text than room.
() => {
  const APART = [
    ".board > *",
    ".tile",
    ".foot > *",
    ".notice > *",
    ".guide li",
    ".points > *",
    ".badge, .tile strong, .category",
    ".tile strong, .badge, .bin",
    ".line, .percent, .verdict strong",
    ".next strong, .next .icon",
    ".voice p, .voice .icon",
  ];
  const WITHIN = [
    [".tile", "strong, .badge, .bin"],
    [".next", "strong, .icon"],
    [".points", "strong, .held"],
    [".voice", "p"],
    [".eye", ".verdict, .guide li"],
    [".notice", "p"],
    [".button", "span"],
    ["main", "strong, p, .button"],
  ];
  const shown = (places, from = document) =>
    [...from.querySelectorAll(places)].filter((one) => one.checkVisibility());
  const name = (one) => `${one.tagName}.${one.className.baseVal ?? one.className}`;
  const over = (one, other) => {
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  };
  const outOf = (holder, held) => {
    const [a, b] = [holder.getBoundingClientRect(), held.getBoundingClientRect()];
    return b.left < a.left - 1 || b.right > a.right + 1 || b.top < a.top - 1 || b.bottom > a.bottom + 1;
  };
  const wrong = [];
  for (const places of APART) {
    const all = shown(places);
    all.forEach((one, at) =>
      all
        .slice(at + 1)
        .filter((other) => over(one, other))
        .forEach((other) => wrong.push(`${name(one)} over ${name(other)}`)),
    );
  }
  for (const [outer, inner] of WITHIN) {
    for (const holder of shown(outer)) {
      for (const held of shown(inner, holder)) {
        if (outOf(holder, held)) wrong.push(`${name(held)} out of ${outer}`);
        const isName = held.closest(".place, .statement"); // a very long one ends in dots
        if (!isName && held.scrollWidth > held.clientWidth + 1) wrong.push(`${name(held)} has too much text`);
      }
    }
  }
  return wrong;
};
