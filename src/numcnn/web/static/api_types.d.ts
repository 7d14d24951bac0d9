// The JSON of the API, as src/numcnn/web/schemas.py and errors.py define it; a test compares them.
//
// A field with a `?` is left out where it does not apply. Only the type checker reads this file: it
// is not part of the page, and not in the wheel.

/** A digit. */
export interface DigitAnswer {
  digit: number;
  confidence: number;
  /** Of each digit from 0 to 9; together 1. */
  probabilities: number[];
  /** x, y, width and height, in the picture's pixels. */
  box: number[];
  /** With ?frames=true: its place in reading order. */
  index?: number;
  /** With ?frames=true: the 28 x 28 gray values that the network saw, base64. */
  frame?: string;
}

/** Something that was not read. */
export interface RejectedAnswer {
  box: number[];
  reason: string;
  index?: number;
  frame?: string;
}

/** Digits next to each other. */
export interface LineAnswer {
  text: string;
  digits: DigitAnswer[];
}

/** A dot or a dash between digits. */
export interface SeparatorAnswer {
  box: number[];
  symbol: string;
}

/** What is written in a picture. */
export interface ReadAnswer {
  /** A line each. */
  text: string;
  lines: LineAnswer[];
  /** Dots and dashes among the digits, where a line was read as a whole. */
  separators: SeparatorAnswer[];
  rejected: RejectedAnswer[];
  /** The picture's width and height. */
  size: number[];
  /** The digit, if there is exactly one. */
  digit: number | null;
  /** How probable that one digit is. */
  probability: number | null;
}

/** An array of any shape. */
export interface Tensor {
  shape: number[];
  /** The numbers in C order, as little-endian float32, in base64. */
  float32: string;
}

/** What a layer made of a picture. */
export interface LayerOutput {
  name: string;
  kind: string;
  output: Tensor;
}

/** A layer's settings and numbers. */
export interface LayerWeights {
  name: string;
  kind: string;
  settings: Record<string, unknown>;
  /** weight, bias, gamma, mean and so on. */
  arrays: Record<string, Tensor>;
}

/** What each layer made of one finding in a picture. */
export interface ActivationsAnswer {
  box: number[];
  /** What it was read as; null if it was not. */
  digit: number | null;
  /** Why it was not read; null if it was. */
  reason: string | null;
  frame: string;
  /** What the last layer's numbers stand for. */
  classes: string[];
  layers: LayerOutput[];
}

/** A layer as it appears in the summary of a model. */
export interface LayerSummary {
  name: string;
  kind: string;
  /** The output's shape, without the batch axis. */
  shape: number[];
  parameters: number;
}

/** A model. */
export interface ModelAnswer {
  name: string;
  input_shape: number[];
  classes: string[];
  parameters: number;
  layers: LayerSummary[];
  /** How it came about. */
  card: Record<string, unknown>;
}

/** The models that read here. */
export interface ModelsAnswer {
  models: ModelAnswer[];
}

/** A picture that is kept. */
export interface CollectedAnswer {
  label: number;
  /** How many there are with it. */
  kept: number;
}

/** What is wrong, as RFC 9457 says it. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
}
