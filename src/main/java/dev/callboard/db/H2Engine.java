package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.h2.api.ErrorCode;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** H2 in a file, which only one process can have open. */
final class H2Engine implements Engine {
    static final String PREFIX = "jdbc:h2:";

    private static final Logger LOG = LoggerFactory.getLogger(H2Engine.class);

    private static final String NOT_DURABLE = "(?i)jdbc:h2:(file:)?((nio)?mem\\w*|tcp|ssl|zip|classpath):.*";

    /**
     * How long H2 may compact a large file when it is closed; without a limit that can take minutes, and the process has
     * seconds to end.
     */
    private static final int MAX_COMPACT_MS = 2_000;

    /** How many statements a connection keeps parsed. With H2's default of 8 most statements were parsed each time. */
    private static final int QUERY_CACHE_SIZE = 64;

    /**
     * At how many bytes a page is split. Each sync writes all pages that have changed; with H2's default of 16 KiB it wrote
     * half as much again.
     */
    private static final int PAGE_SIZE = 4096;

    /**
     * In KiB. The pages that a sync writes are cached, and are soon written anew: with H2's default of 10 MiB for 160 MB of
     * heap, they filled the old generation, and collecting them took a seventh of the time. The system caches the file.
     */
    private static final int CACHE_SIZE = 1024;

    /**
     * Options that no URL may change. Otherwise H2 closes the file in a shutdown hook of its own while callbacks are being
     * recorded, or keeps it open after its last connection.
     */
    private static final Map<String, String> REQUIRED = Map.of("DB_CLOSE_ON_EXIT", "FALSE", "DB_CLOSE_DELAY", "0");

    /** Options that a URL may have with another value. No trace file, since it would quote statements. */
    private static final Map<String, Integer> DEFAULTS = Map.of(
            "TRACE_LEVEL_FILE", 0,
            "MAX_COMPACT_TIME", MAX_COMPACT_MS,
            "QUERY_CACHE_SIZE", QUERY_CACHE_SIZE,
            "PAGE_SIZE", PAGE_SIZE,
            "CACHE_SIZE", CACHE_SIZE);

    private static final String IO_ERROR = "58030";

    private final H2File file;
    private final H2Compaction compaction = new H2Compaction();

    H2Engine(String url) {
        if (url.matches(NOT_DURABLE)) {
            throw StartException.of(Database.KEY, "is not H2 in a file, which is the only durable kind of H2");
        }
        REQUIRED.forEach((name, required) -> option(url, name).ifPresent(value -> {
            if (!value.equalsIgnoreCase(required)) {
                throw StartException.of(
                        Database.KEY,
                        name + "=" + value + " is not allowed, since the file must be open exactly while Callboard runs"
                                + " (remove it)");
            }
        }));
        this.file = new H2File(url);
    }

    @Override
    public void prepare() {
        file.restrictAccess();
    }

    @Override
    public void configure(HikariConfig config) {
        config.setJdbcUrl(withOptions(config.getJdbcUrl()));
    }

    /**
     * In a pool of their own, so that the file is closed and opened again afterwards: H2 ties a CHECK constraint to the
     * session that created it, and otherwise rejects every row once the pool has replaced that connection.
     */
    @Override
    public void configureForMigrations(HikariConfig config) {
        configure(config);
    }

    @Override
    public void configureForReading(HikariConfig config) {
        configure(config);
        config.setJdbcUrl(config.getJdbcUrl() + ";IFEXISTS=TRUE;ACCESS_MODE_DATA=r");
    }

    @Override
    public boolean exists() {
        return file.exists();
    }

    @Override
    public boolean isInUse(Throwable failure) {
        for (Throwable e = failure; e != null; e = e.getCause()) {
            if (e instanceof SQLException error && error.getErrorCode() == ErrorCode.DATABASE_ALREADY_OPEN_1) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void limitStatements(HikariConfig config, int milliseconds) {
        config.setConnectionInitSql("SET QUERY_TIMEOUT " + milliseconds);
    }

    private static String withOptions(String url) {
        StringBuilder all = new StringBuilder(url);
        Stream.of(REQUIRED, DEFAULTS)
                .forEach(options -> options.forEach((name, value) -> {
                    if (option(url, name).isEmpty()) {
                        all.append(';').append(name).append('=').append(value);
                    }
                }));
        return all.toString();
    }

    /** The value of an option in a URL. H2 ignores the case of its name. */
    private static Optional<String> option(String url, String name) {
        Matcher option = Pattern.compile(";" + name + "=([^;]*)", Pattern.CASE_INSENSITIVE)
                .matcher(url);
        return option.find() ? Optional.of(option.group(1)) : Optional.empty();
    }

    @Override
    public void opened(HikariDataSource pool) {
        file.restrictAccess();
        compaction.start(pool);
    }

    /**
     * Has H2 write all changes to its file and sync it. H2's {@code CHECKPOINT SYNC} is not enough: if the thread that
     * writes changes in the background has just taken them, it syncs the file before that thread has written them.
     */
    @Override
    public void sync(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CHECKPOINT");
            MVStore store = H2Compaction.store(connection);
            store.executeFilestoreOperation(store::sync);
        } catch (MVStoreException e) {
            throw new SQLException("H2 can't write its file", IO_ERROR, e);
        }
    }

    @Override
    public Optional<InputStream> backup(Connection connection) throws SQLException, IOException {
        sync(connection);
        Path folder = path().map(Path::getParent).orElseGet(() -> Path.of(System.getProperty("java.io.tmpdir")));
        try {
            return Optional.of(compaction.backup(connection, folder));
        } catch (MVStoreException e) {
            throw new SQLException("H2 can't read its file", IO_ERROR, e);
        }
    }

    @Override
    public Optional<Path> path() {
        return file.path();
    }

    /** Closes the file at once, so that the next connection reads it again, which repairs what an error left in memory. */
    @Override
    public void discard(Connection connection) {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SHUTDOWN IMMEDIATELY");
        } catch (SQLException e) {
            // It is closed already: H2 closes the file itself when it can't write.
        }
    }

    /** One, since each commit syncs the one file. */
    @Override
    public int writers() {
        return 1;
    }

    @Override
    public void close(HikariDataSource pool) {
        compaction.stop();
        if (!pool.isClosed()) {
            shutDown(pool);
        }
    }

    /** Closes the pool before the file: a request for a connection after that would open the file again. */
    private void shutDown(HikariDataSource pool) {
        try (Connection last = DriverManager.getConnection(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword());
                Statement statement = last.createStatement()) {
            pool.close();
            statement.execute(H2Compaction.isWorthRewriting(last) ? "SHUTDOWN COMPACT" : "SHUTDOWN");
        } catch (SQLException | RuntimeException e) {
            // The file is closed already or can't be written; the next start recovers everything that was synced.
        }
        pool.close();
        try {
            // H2 may have replaced the file by a new one.
            file.restrictAccess();
        } catch (StartException e) {
            LOG.warn("could not restrict access to the database file reason={}", e.getMessage());
        }
    }
}
