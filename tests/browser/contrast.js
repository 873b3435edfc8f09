// All texts with less contrast than WCAG's AA asks for, 4.5 to 1.
(() => {
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [red, green, blue] = rgb(color).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    for (let up = node; up; up = up.parentElement) {
      const color = getComputedStyle(up).backgroundColor;
      if (rgb(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const node of document.querySelectorAll('body *')) {
    const text = [...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data.trim()).join('');
    const style = getComputedStyle(node);
    if (!text || node.matches('.spell, noscript, .skip')) continue;
    const [one, other] = [luminance(node.namespaceURI.endsWith('svg') ? style.fill : style.color), luminance(behind(node))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faint.push(`${text}: ${contrast.toFixed(1)}`);
  }
  return faint.join('; ');
})()
