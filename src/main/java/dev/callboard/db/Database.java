package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.text.Causes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfoService;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.core.api.output.ValidateResult;

/**
 * The open database with its connections, in one pool for each purpose, so that none waits for those of another. What
 * differs between H2 and PostgreSQL is in {@link Engine}. Safe for use by any number of threads.
 */
public final class Database implements AutoCloseable {
    static final String KEY = "callboard.database.url";

    private static final int BACKGROUND_CONNECTIONS = 8;
    private static final int LOOKUP_CONNECTIONS = 4;
    private static final int LOOKUP_TIMEOUT_MS = 5_000;
    private static final int CONNECTION_TIMEOUT_MS = 5_000;

    private final Engine engine;
    private final HikariDataSource background;
    private final HikariDataSource recording;
    private final HikariDataSource lookups;

    private Database(Engine engine, HikariDataSource background, HikariDataSource recording, HikariDataSource lookups) {
        this.engine = engine;
        this.background = background;
        this.recording = recording;
        this.lookups = lookups;
    }

    /**
     * Opens the database and migrates its tables to this version.
     *
     * @throws StartException if the URL is not supported, the database does not answer or rejects the login, or a
     *     migration fails
     */
    public static Database open(Settings settings) {
        return open(settings.database());
    }

    /** The same for a database that need not be that of the settings. */
    public static Database open(Settings.Database settings) {
        Engine engine = Engine.of(settings.url());
        engine.prepare();
        migrate(engine, settings);
        HikariDataSource background = connect(config(settings, engine, "background", BACKGROUND_CONNECTIONS));
        engine.opened(background);
        HikariDataSource recording = null;
        try {
            recording = connect(config(settings, engine, "recording", engine.writers()));
            HikariConfig lookups = config(settings, engine, "lookups", LOOKUP_CONNECTIONS);
            engine.limitStatements(lookups, LOOKUP_TIMEOUT_MS);
            return new Database(engine, background, recording, connect(lookups));
        } catch (StartException e) {
            if (recording != null) {
                recording.close();
            }
            engine.close(background);
            throw e;
        }
    }

    /** One of the pools. */
    private static HikariConfig config(Settings.Database database, Engine engine, String name, int connections) {
        HikariConfig config = config(database, name);
        config.setMaximumPoolSize(connections);
        engine.configure(config);
        return config;
    }

    /** What any pool needs. */
    private static HikariConfig config(Settings.Database database, String name) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("callboard-" + name);
        config.setJdbcUrl(database.url());
        config.setUsername(database.user());
        config.setPassword(database.password());
        config.setConnectionTimeout(CONNECTION_TIMEOUT_MS);
        config.setInitializationFailTimeout(1);
        // The transactions are written for READ COMMITTED, whatever the server's default is.
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        return config;
    }

    /** Runs on connections of its own, without the pools' timeouts: a migration of a large table takes its time. */
    private static void migrate(Engine engine, Settings.Database database) {
        HikariConfig config = config(database, "migration");
        config.setMinimumIdle(0);
        engine.configureForMigrations(config);
        try (HikariDataSource connections = connect(config)) {
            Flyway flyway = flyway(engine, connections)
                    // Wait for another node that migrates, however long that takes.
                    .lockRetryCount(-1)
                    // By default, migrations of a newer version are ignored, and this one would run on its tables.
                    .ignoreMigrationPatterns(new String[0])
                    .load();
            migrate(flyway);
        }
    }

    private static void migrate(Flyway flyway) {
        try {
            flyway.migrate();
        } catch (FlywayException e) {
            throw StartException.of(
                    KEY,
                    newestUnknown(flyway)
                            .map(version -> "the tables are those of a newer Callboard (migration " + version
                                    + "); start that version, or restore the backup from before the upgrade")
                            .orElseGet(() -> "the migration of the tables failed (" + oneLine(e) + ")"));
        }
    }

    /** The newest migration of the database that this version does not have, if there is one. */
    private static Optional<String> newestUnknown(Flyway flyway) {
        try {
            return Arrays.stream(flyway.info().applied())
                    .filter(migration -> migration.getState() == MigrationState.FUTURE_SUCCESS)
                    .map(migration -> migration.getVersion().toString())
                    .reduce((older, newer) -> newer);
        } catch (FlywayException e) {
            return Optional.empty();
        }
    }

    private static FluentConfiguration flyway(Engine engine, DataSource connections) {
        return Flyway.configure()
                .dataSource(connections)
                .locations("classpath:db/migration")
                .placeholders(Map.of("by_code", engine.orderByCode()));
    }

    /** What {@link #find} has found of a database. */
    public enum Tables {
        /** There are none: the next start creates them. */
        MISSING,
        /** They are those of this version. */
        CURRENT,
        /** They are those of an earlier version: the next start migrates them. */
        OLDER,
        /** The file of H2 is open in another process. */
        IN_USE
    }

    /**
     * Connects to the database and looks at its tables. Changes nothing: a file of H2 is neither created nor written.
     *
     * @throws StartException if the next start would fail: the URL is not supported, the database does not answer or rejects
     *     the login, or its tables are of a later version or of none
     */
    public static Tables find(Settings.Database settings) {
        Engine engine = Engine.of(settings.url());
        if (!engine.exists()) {
            Path folder = engine.path().map(Path::getParent).orElseThrow();
            if (!PrivateFiles.isWritable(folder)) {
                throw StartException.of(KEY, "the folder " + folder + " can't be written");
            }
            return Tables.MISSING;
        }
        HikariConfig config = config(settings, "check");
        config.setMinimumIdle(0);
        engine.configureForReading(config);
        try (HikariDataSource connections = connect(config)) {
            Flyway flyway = flyway(engine, connections)
                    .ignoreMigrationPatterns("*:pending")
                    .load();
            ValidateResult result = flyway.validateWithResult();
            if (!result.validationSuccessful) {
                throw StartException.of(
                        KEY,
                        "the tables are not those of this version or an earlier one ("
                                + oneLine(new FlywayException(result.getAllErrorMessages())) + ")");
            }
            MigrationInfoService migrations = flyway.info();
            return migrations.current() == null
                    ? Tables.MISSING
                    : migrations.pending().length > 0 ? Tables.OLDER : Tables.CURRENT;
        } catch (FlywayException e) {
            throw StartException.of(KEY, "the tables can't be read (" + oneLine(e) + ")");
        } catch (StartException e) {
            if (engine.isInUse(e)) {
                return Tables.IN_USE;
            }
            throw e;
        }
    }

    /**
     * A connection for reading a whole database of this version, to a file of H2 that no other process has open, or to
     * PostgreSQL. H2 then writes nothing to the file, not even to compact it: a result that is read as it is needed, as with
     * {@code SET LAZY_QUERY_EXECUTION TRUE}, would otherwise find that parts of the file are gone.
     */
    public static Connection connectToRead(Settings.Database settings) throws SQLException {
        HikariConfig config = config(settings, "reading");
        Engine.of(settings.url()).configureForReading(config);
        return DriverManager.getConnection(config.getJdbcUrl(), settings.user(), settings.password());
    }

    private static HikariDataSource connect(HikariConfig config) {
        try {
            return new HikariDataSource(config);
        } catch (RuntimeException e) {
            throw new StartException(
                    KEY + ": no database answers at " + location(config.getJdbcUrl()) + " (" + oneLine(e) + ")", e);
        }
    }

    private static String oneLine(Throwable e) {
        return String.valueOf(Causes.root(e).getMessage())
                .lines()
                .findFirst()
                .orElse("")
                .strip();
    }

    /** A JDBC URL without its parameters and login, which may contain a password. */
    public static String location(String url) {
        return url.split("[;?]", 2)[0].replaceAll("//[^/@]*@", "//");
    }

    /** Connections for all that is neither recording nor a look-up: mails, retention, health, the quarantine. */
    public DataSource dataSource() {
        return background;
    }

    /** Connections for recording alone, one for each of the {@link #writers}, so that it waits for nothing else. */
    public DataSource recording() {
        return recording;
    }

    /** Connections for the requests on the management port: few, and with a time limit for each statement. */
    public DataSource lookups() {
        return lookups;
    }

    /**
     * Returns when what this connection has committed survives the loss of the process and of power. Must follow each
     * commit that has to be durable: H2 acknowledges a commit before it has written the file.
     */
    public void sync(Connection connection) throws SQLException {
        engine.sync(connection);
    }

    /**
     * Takes a connection of {@link #recording} out of its pool after an error that the connection itself may have caused,
     * and with it the idle ones of all pools, which probably have the same fault.
     */
    public void discard(Connection connection) {
        engine.discard(connection);
        recording.evictConnection(connection);
        for (HikariDataSource pool : List.of(recording, background, lookups)) {
            pool.getHikariPoolMXBean().softEvictConnections();
        }
    }

    /**
     * Runs statements on a connection of {@link #dataSource}, each in a transaction of its own.
     *
     * @return what the work returns
     */
    public <T> T run(Transaction.Work<T> work) throws SQLException {
        try (Connection connection = background.getConnection()) {
            try {
                return work.run(connection);
            } catch (SQLException e) {
                if (SqlErrors.isConnectionSuspect(e)) {
                    // The pool would hand it out again unchecked to whoever asks within half a second.
                    background.evictConnection(connection);
                }
                throw e;
            }
        }
    }

    /** Runs statements in one transaction on a connection of {@link #dataSource}; returns what the work returns. */
    public <T> T transact(Transaction.Work<T> work) throws SQLException {
        return run(connection -> Transaction.run(connection, work));
    }

    /** The same, and what is committed then survives the loss of the process and of power. */
    public <T> T transactDurably(Transaction.Work<T> work) throws SQLException {
        return run(connection -> {
            T result = Transaction.run(connection, work);
            sync(connection);
            return result;
        });
    }

    /**
     * A backup of H2's file, as a zip file with everything that was committed when this was called; recording goes on
     * meanwhile. Takes the space of the backup on the disk of the database until it is closed.
     *
     * @return empty on PostgreSQL, which has tools of its own
     */
    public Optional<InputStream> backup() throws SQLException, IOException {
        try (Connection connection = background.getConnection()) {
            return engine.backup(connection);
        }
    }

    /**
     * The file of H2 that a URL names, which may not exist.
     *
     * @return empty on PostgreSQL
     * @throws StartException if the URL is not supported
     */
    public static Optional<Path> file(Settings.Database settings) {
        return Engine.of(settings.url()).path();
    }

    /** How many groups of callbacks are worth writing at the same time. */
    public int writers() {
        return engine.writers();
    }

    /** Whether only this process can have the database open. */
    public boolean isH2() {
        return engine instanceof H2Engine;
    }

    /** Closes the pools, and H2's file. Does nothing if it is closed. */
    @Override
    public void close() {
        lookups.close();
        recording.close();
        engine.close(background);
    }
}
