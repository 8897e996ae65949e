// The functions of a generator other than sampling, imported on first use. Built separately (tsup.config.ts): otherwise
// bundlers would move the code it shares with sampling into chunks that every page loads.
export { conditioned } from './conditions.js';
export { walked } from './walk-of.js';
export { completeFeeds } from '../runtime/complete-feeds.js';
export { checkSizes } from './sizes.js';
export { score } from './score.js';
export { batchSizes, someClass } from './some-class.js';
export { streamed } from './streamed.js';
export { translate } from './translate.js';
