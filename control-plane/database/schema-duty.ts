// Table types of what people have said of devices (migration 030).

export type DutyTables = {
  device_duty: {
    site: string;
    device: string;
    /** Grows with every change. */
    version: number;
    /** JSON, or null: who, since when, why; of a pin also which release. */
    pinned: string | null;
    drained: string | null;
    retired: string | null;
    /** Its password is derived with it: grows when the device retires, so that the old one is worth nothing. */
    password_epoch: number;
  };
};
