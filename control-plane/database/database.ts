// The door to SQLite: opens the file with the durability we promise (WAL, FULL) and brings its tables up to date.
// One process, one connection: Kysely queues transactions on it, so a writer never meets another writer.
import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import { BelayError } from '../../shared/basics/errors.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Schema } from './schema.ts';

/** Kysely on the one connection, and whether anything has changed there. */
export class Database extends Kysely<Schema> {
  readonly #changes: SqliteDatabase.Statement<[], number>;
  readonly #foreignChanges: SqliteDatabase.Statement<[], number>;

  constructor(file: SqliteDatabase.Database) {
    super({ dialect: new SqliteDialect({ database: file }) });
    this.#changes = file.prepare<[], number>('select total_changes()').pluck();
    this.#foreignChanges = file.prepare<[], number>('pragma data_version').pluck();
  }

  /**
   * Another one with every row that is written, by this process or by others that have opened the file. Asked with every
   * request, so it goes past the queue of queries; a transaction that is under way counts as far as it has come.
   */
  revision(): string {
    return `${this.#changes.get()} ${this.#foreignChanges.get()}`;
  }
}

export type DatabaseTransaction = Transaction<Schema>;
/** What a query needs: the database itself or a transaction of it. */
export type Queryable = Database | DatabaseTransaction;

/** Older versions can corrupt a WAL when two connections checkpoint (fixed in 3.51.3). */
const SQLITE_VERSION_MIN = [3, 51, 3] as const;

/** Opens (or creates) the database file; throws BelayError `database-unreadable` or `database-migration-failed`. */
export async function openDatabase(path: string): Promise<Database> {
  const database = new Database(openFile(path));
  try {
    await migrate(database);
  } catch (error) {
    await database.destroy();
    throw new BelayError('database-migration-failed', `bringing ${path} up to date failed; restore a backup of it`, {
      cause: error,
    });
  }
  return database;
}

function openFile(path: string): SqliteDatabase.Database {
  try {
    const file = new SqliteDatabase(path);
    assertVersion(file);
    file.pragma('journal_mode = WAL');
    file.pragma('synchronous = FULL');
    file.pragma('foreign_keys = ON');
    file.pragma('busy_timeout = 5000');
    return file;
  } catch (error) {
    throw new BelayError('database-unreadable', `opening ${path} failed; check the folder's rights and free space`, {
      cause: error,
    });
  }
}

function assertVersion(file: SqliteDatabase.Database): void {
  const row = file.prepare('select sqlite_version() as version').get() as { readonly version: string };
  const parts = row.version.split('.').map(Number);
  for (const [index, least] of SQLITE_VERSION_MIN.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least) throw new Error(`SQLite ${row.version} is older than ${SQLITE_VERSION_MIN.join('.')}`);
  }
}

async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
    // Rooms number their own migrations (001–009 floor, 010–019 rollouts), so a later floor one may follow a room's.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
