// The index has the Chinese words that jieba found. A query is cut here by the longest of them;
// a letter that begins none is passed over. Sphinx itself would look for the whole query.
var splitQuery = (query) => {
  const { terms, titleterms } = Search._index;
  const known = (word) => Object.hasOwn(terms, word) || Object.hasOwn(titleterms, word);
  const words = [];
  for (const part of query.match(/\p{Script=Han}+|((?!\p{Script=Han})[\p{L}\p{N}_])+/gu) || []) {
    if (!/\p{Script=Han}/u.test(part)) {
      words.push(part);
      continue;
    }
    for (let start = 0, end; start < part.length; start = end) {
      end = part.length;
      while (end > start + 1 && !known(part.slice(start, end))) end--;
      if (known(part.slice(start, end))) words.push(part.slice(start, end));
    }
  }
  return words;
};
