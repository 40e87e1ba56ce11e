import type { Random } from "./random.ts";

/** No byte is ever under way for longer; whatever would be is lost with its connection. In milliseconds. */
export const delayMsMax = 4_000;

/** How bad a network is. Probabilities are 0 to 1. */
export interface Weather {
  /** Most bytes take little more than nothing, some up to this, in milliseconds. */
  readonly latencyMs: number;
  /** Of a request. */
  readonly requestLost: number;
  /** Of an answer: what was asked for has happened. */
  readonly answerLost: number;
  /** Of a POST that arrives a second time. */
  readonly repeated: number;
  /** Of a chunk of a stream, or of a download: it ends somewhere in the middle. */
  readonly cut: number;
  /** Of a download of which a byte is another one. */
  readonly spoiled: number;
  /** Of a stream whose chunks all take seconds. */
  readonly slow: number;
}

/** A network that only takes a moment. */
export const fairWeather: Weather = {
  latencyMs: 20,
  requestLost: 0,
  answerLost: 0,
  repeated: 0,
  cut: 0,
  spoiled: 0,
  slow: 0,
};

/** Anything from a good day to a bad one. */
export function drawWeather(random: Random): Weather {
  const severity = random.next() ** 2;
  return {
    latencyMs: random.between(5, 20 + 600 * severity),
    requestLost: 0.1 * severity * random.next(),
    answerLost: 0.1 * severity * random.next(),
    repeated: 0.15 * severity * random.next(),
    cut: 0.03 * severity * random.next(),
    spoiled: 0.1 * severity * random.next(),
    slow: 0.3 * severity * random.next(),
  };
}

/** Time under way of one chunk or request, in milliseconds. */
export function drawDelayMs(random: Random, { latencyMs }: Weather): number {
  return 0.1 + latencyMs * random.next() ** 3;
}
