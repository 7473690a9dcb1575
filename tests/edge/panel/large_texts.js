// Every visible text of at least 32 px, but for the lines that are long by nature.
() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.nodeValue.trim();
    const holder = walker.currentNode.parentElement;
    const seen = holder.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const isAside = holder.closest(".voice, .held, .notice, .guide"); // scaled with the screen, read close up
    if (text && seen && !isAside && parseFloat(getComputedStyle(holder).fontSize) >= 32) texts.push(text);
  }
  return texts;
};
