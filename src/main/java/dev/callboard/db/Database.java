package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/**
 * The open database with its connection pool. What differs between H2 and PostgreSQL is in {@link Engine}. Safe for use by
 * any number of threads.
 */
public final class Database implements AutoCloseable {
    static final String KEY = "callboard.database.url";

    private static final int MAX_CONNECTIONS = 10;
    private static final int CONNECTION_TIMEOUT_MS = 5_000;

    private final Engine engine;
    private final HikariDataSource pool;

    private Database(Engine engine, HikariDataSource pool) {
        this.engine = engine;
        this.pool = pool;
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
        HikariConfig config = new HikariConfig();
        config.setPoolName("callboard");
        config.setJdbcUrl(url);
        config.setUsername(settings.database().user());
        config.setPassword(settings.database().password());
        config.setMaximumPoolSize(MAX_CONNECTIONS);
        config.setConnectionTimeout(CONNECTION_TIMEOUT_MS);
        config.setInitializationFailTimeout(1);
        // The transactions are written for READ COMMITTED, whatever the server's default is.
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        engine.configure(config);
        HikariDataSource pool = connect(config);
        boolean migrated;
        try {
            migrated = migrate(pool, engine);
        } catch (FlywayException e) {
            engine.close(pool);
            throw StartException.of(KEY, "the migration of the tables failed (" + oneLine(e) + ")");
        }
        if (migrated && engine.mustReopenAfterMigration()) {
            engine.close(pool);
            pool = connect(config);
        }
        engine.opened(pool);
        return new Database(engine, pool);
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
    private static boolean migrate(DataSource dataSource, Engine engine) {
        return Flyway.configure()
                        .dataSource(dataSource)
                        .locations("classpath:db/migration")
                        .placeholders(Map.of("by_code", engine.orderByCode()))
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

    public DataSource dataSource() {
        return pool;
    }

    /**
     * Returns when what this connection has committed survives the loss of the process and of power. Must follow each
     * commit that has to be durable: H2 acknowledges a commit before it has written the file.
     */
    public void sync(Connection connection) throws SQLException {
        engine.sync(connection);
    }

    /**
     * Takes a connection out of the pool after an error that the connection itself may have caused, and with it the idle
     * ones, which probably have the same fault.
     */
    public void discard(Connection connection) {
        engine.discard(connection);
        pool.evictConnection(connection);
        pool.getHikariPoolMXBean().softEvictConnections();
    }

    /** How many groups of callbacks are worth writing at the same time. */
    public int writers() {
        return engine.writers();
    }

    /** Whether only this process can have the database open. */
    public boolean isH2() {
        return engine instanceof H2Engine;
    }

    /** Closes the pool, and H2's file. Does nothing if it is closed. */
    @Override
    public void close() {
        engine.close(pool);
    }
}
