// Table types of what sites allow (migration 029).

export type SitePolicyTables = {
  site_policies: {
    site: string;
    /** 1: devices there may be asked for pictures. */
    pictures: number;
    changed_at_ms: number;
    changed_by: string;
  };
};
