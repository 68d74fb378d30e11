// Table types of rehearsals (migration 026).

export type RehearsalTables = {
  rehearsals: {
    id: string;
    started_at_ms: number;
    /** JSON: as it was told last. */
    document: string;
  };
};
