package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/**
 * The open database with its connections, in one pool for each purpose, so that none waits for those of another. What differs between H2 and PostgreSQL is in {@link Engine}. Safe for use by
 * any number of threads.
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
        String url = settings.database().url();
        Engine engine = Engine.of(url);
        engine.prepare();
        HikariConfig config = configuration(settings, engine, "background", BACKGROUND_CONNECTIONS);
        HikariDataSource pool = connect(config);
        boolean migrated;
        try {
            migrated = migrate(pool);
        } catch (FlywayException e) {
            engine.close(pool);
            throw StartException.of(KEY, "the migration of the tables failed (" + oneLine(e) + ")");
        }
        if (migrated && engine.mustReopenAfterMigration()) {
            engine.close(pool);
            pool = connect(config);
        }
        engine.opened(pool);
        HikariDataSource recording = null;
        try {
            recording = connect(configuration(settings, engine, "recording", engine.writers()));
            HikariConfig lookups = configuration(settings, engine, "lookups", LOOKUP_CONNECTIONS);
            engine.limitStatements(lookups, LOOKUP_TIMEOUT_MS);
            return new Database(engine, pool, recording, connect(lookups));
        } catch (StartException e) {
            if (recording != null) {
                recording.close();
            }
            engine.close(pool);
            throw e;
        }
    }

    private static HikariConfig configuration(Settings settings, Engine engine, String name, int connections) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("callboard-" + name);
        config.setJdbcUrl(settings.database().url());
        config.setUsername(settings.database().user());
        config.setPassword(settings.database().password());
        config.setMaximumPoolSize(connections);
        config.setConnectionTimeout(CONNECTION_TIMEOUT_MS);
        config.setInitializationFailTimeout(1);
        // The transactions are written for READ COMMITTED, whatever the server's default is.
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        engine.configure(config);
        return config;
    }

    private static HikariDataSource connect(HikariConfig config) {
        try {
            return new HikariDataSource(config);
        } catch (RuntimeException e) {
            throw StartException.of(
                    KEY, "no database answers at " + location(config.getJdbcUrl()) + " (" + oneLine(e) + ")");
        }
    }

    /** Whether there was anything to migrate. */
    private static boolean migrate(DataSource dataSource) {
        return Flyway.configure()
                        .dataSource(dataSource)
                        .locations("classpath:db/migration")
                        .load()
                        .migrate()
                        .migrationsExecuted
                > 0;
    }

    private static String oneLine(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("").strip();
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
