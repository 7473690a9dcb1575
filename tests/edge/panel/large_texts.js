// Every visible text of at least 32 px.
() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.nodeValue.trim();
    const holder = walker.currentNode.parentElement;
    const seen = holder.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (text && seen && parseFloat(getComputedStyle(holder).fontSize) >= 32) texts.push(text);
  }
  return texts;
};
