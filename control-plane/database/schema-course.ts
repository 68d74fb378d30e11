// Table type of the course of verdicts (migration 025).

export type CourseTables = {
  rollout_course: {
    rollout_id: string;
    at_ms: number;
    stage: string;
    /** 1: a verdict or the stage is another one than at the moment before. */
    is_turn: number;
    /** JSON: what each guardrail said. */
    points: string;
  };
};
