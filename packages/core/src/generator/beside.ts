// What a generator does beside sampling, imported on first use. Built apart (tsup.config.ts): what it shared with
// sampling would be split off into files that every page loads.
export { conditioned } from './conditions.js';
export { walkOf } from './walk-of.js';
export { completeFeeds } from '../runtime/complete-feeds.js';
export { checkSizes } from './sizes.js';
export { someClass } from './some-class.js';
export { streamed } from './streamed.js';
export { translate } from './translate.js';
