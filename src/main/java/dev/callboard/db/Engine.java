package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/** What differs between the databases that Callboard runs on. */
interface Engine {
    /**
     * The engine that a JDBC URL names.
     *
     * @throws StartException if the URL is of another database, or of a kind of H2 that is not durable
     */
    static Engine of(String url) {
        if (url.startsWith(H2Engine.PREFIX)) {
            return new H2Engine(url);
        }
        if (url.startsWith(PostgresEngine.PREFIX)) {
            return new PostgresEngine();
        }
        throw StartException.of(
                Database.KEY, "begins with neither " + H2Engine.PREFIX + " nor " + PostgresEngine.PREFIX);
    }

    /** Called before the first connection. */
    default void prepare() {}

    /** Completes what the configuration of the pool has for any database. */
    void configure(HikariConfig config);

    /** The same for the connections of the migrations, which may take and wait for any time. */
    void configureForMigrations(HikariConfig config);

    /** The same for connections that only read, and neither create nor change anything. */
    void configureForReading(HikariConfig config);

    /** Whether there is something to connect to; for a server, that only connecting tells. */
    default boolean exists() {
        return true;
    }

    /** Whether a connection failed because another process has the database for itself. */
    default boolean isInUse(Throwable failure) {
        return false;
    }

    /** Cancels each statement on the connections of this pool that takes longer. */
    void limitStatements(HikariConfig config, int milliseconds);

    /** Called once the tables are migrated and the pool is open. */
    default void opened(HikariDataSource pool) {}

    /** See {@link Database#sync}. */
    default void sync(Connection connection) throws SQLException {}

    /** Called before a connection with an error is taken out of the pool. */
    default void discard(Connection connection) {}

    /** See {@link Database#backup}. */
    default Optional<InputStream> backup(Connection connection) throws SQLException, IOException {
        return Optional.empty();
    }

    /** See {@link Database#file}. */
    default Optional<Path> path() {
        return Optional.empty();
    }

    /** What follows the type of a text column that is in the order of its characters' codes, in the migrations. */
    default String orderByCode() {
        return "";
    }

    /** See {@link Database#writers}. */
    int writers();

    /** Closes the pool and what is behind it; does nothing if it is closed. */
    default void close(HikariDataSource pool) {
        pool.close();
    }
}
