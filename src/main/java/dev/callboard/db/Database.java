package dev.callboard.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.mvstore.FileStore;
import org.h2.mvstore.MVStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database: H2 in a file, or PostgreSQL. Opened once at the start, with its tables brought up to date, and closed
 * when the process ends. Safe for any number of threads.
 */
public final class Database implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Database.class);

    private static final String KEY = "callboard.database.url";
    private static final String H2 = "jdbc:h2:";
    private static final String POSTGRESQL = "jdbc:postgresql:";

    /**
     * What of H2's file is still needed, in bytes, up to which it is written anew when the process ends. That leaves it as
     * small as it can be, at some 20 MB a second.
     */
    private static final long MAX_WRITTEN_ANEW = 100_000_000;

    /** How long H2 may tidy a larger file when the process ends. */
    private static final int MAX_COMPACT_MS = 3_000;

    /**
     * How large a page of H2's file may become before it is split. Each sync writes all pages that changed; with H2's own
     * 16 KiB it wrote half as much again.
     */
    private static final int PAGE_BYTES = 4096;

    /** How many statements a connection of H2 keeps parsed: with its own default of 8 it parsed most of ours each time. */
    private static final int STATEMENTS = 64;

    /**
     * How often, to what share of what is still needed, and how many bytes at most H2's file is tidied. H2 does that by
     * itself too, but lets the file grow to several times the size first when small commits come steadily. Commits wait
     * meanwhile, so it is done often and a little at a time.
     */
    private static final int TIDY_SECONDS = 2;

    private static final int TIDY_PERCENT = 80;
    private static final int MAX_TIDY_BYTES = 1024 * 1024;

    private final HikariDataSource pool;
    private final boolean h2;
    private final ScheduledExecutorService tidying = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "callboard-tidy");
        thread.setDaemon(true);
        return thread;
    });

    private Database(HikariDataSource pool) {
        this.pool = pool;
        this.h2 = pool.getJdbcUrl().startsWith(H2);
        if (h2) {
            var unused = tidying.scheduleWithFixedDelay(this::tidy, TIDY_SECONDS, TIDY_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Writes what is still needed of H2's emptiest chunks anew, so that their space is used again. */
    private void tidy() {
        try (Connection connection = pool.getConnection()) {
            store(connection).compact(TIDY_PERCENT, MAX_TIDY_BYTES);
        } catch (SQLException | RuntimeException e) {
            // The file can't be written just now; whoever records a callback hears of it.
        }
    }

    /**
     * Opens the database and brings its tables up to date.
     *
     * @throws StartException if it does not answer, lets nobody in, or can't be brought up to date
     */
    public static Database open(Settings settings) {
        String url = settings.database().url();
        boolean h2 = url.startsWith(H2);
        if (!h2 && !url.startsWith(POSTGRESQL)) {
            throw StartException.of(KEY, "begins with neither " + H2 + " nor " + POSTGRESQL);
        }
        if (url.matches("(?i)jdbc:h2:(file:)?((nio)?mem\\w*|tcp|ssl|zip|classpath):.*")) {
            throw StartException.of(KEY, "is not H2 in a file, and only that is safe with H2");
        }
        if (h2) {
            keepPrivate(url);
        }
        HikariConfig config = new HikariConfig();
        config.setPoolName("callboard");
        config.setJdbcUrl(h2 ? withOurs(url) : url);
        config.setUsername(settings.database().user());
        config.setPassword(settings.database().password());
        config.setMaximumPoolSize(10);
        config.setConnectionTimeout(5_000);
        config.setInitializationFailTimeout(1);
        // The ledger's rules are written for READ COMMITTED, whatever the server's default is.
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        if (!h2) {
            // A message of the server may quote a row's values, which are the provider's.
            config.addDataSourceProperty("logServerErrorDetail", "false");
            config.addDataSourceProperty("connectTimeout", "5");
            config.addDataSourceProperty("socketTimeout", "30");
            config.addDataSourceProperty("tcpKeepAlive", "true");
            // One statement for many rows; the ledger relies on the counts of its updates only, which stay.
            config.addDataSourceProperty("reWriteBatchedInserts", "true");
            config.addDataSourceProperty("ApplicationName", "callboard");
            // A node that hangs must not hold the tasks of the others for ever.
            config.setConnectionInitSql("SET synchronous_commit = on; SET lock_timeout = '3s';"
                    + " SET idle_in_transaction_session_timeout = '15s'");
        }
        Database database = new Database(connect(config));
        int migrations;
        try {
            migrations = Flyway.configure()
                    .dataSource(database.pool)
                    .locations("classpath:db/migration")
                    .load()
                    .migrate()
                    .migrationsExecuted;
        } catch (FlywayException e) {
            database.close();
            throw StartException.of(KEY, "the tables can't be brought up to date (" + oneLine(e) + ")");
        }
        if (h2 && migrations > 0) {
            // H2 ties a check to the connection that made it, and refuses every row once the pool has replaced that
            // connection; in a file that is opened anew it does not.
            database.close();
            database = new Database(connect(config));
        }
        if (h2) {
            keepPrivate(url);
        }
        return database;
    }

    /**
     * H2's URL with what is ours to say: no trace file, which would quote statements, and a limit for tidying a large
     * file at the end, which could take minutes.
     */
    private static String withOurs(String url) {
        String ours = url;
        for (String option : List.of(
                "TRACE_LEVEL_FILE=0",
                "MAX_COMPACT_TIME=" + MAX_COMPACT_MS,
                "QUERY_CACHE_SIZE=" + STATEMENTS,
                "PAGE_SIZE=" + PAGE_BYTES)) {
            if (!url.toUpperCase(Locale.ROOT).contains(";" + option.substring(0, option.indexOf('=') + 1))) {
                ours += ";" + option;
            }
        }
        return ours;
    }

    private static HikariDataSource connect(HikariConfig config) {
        try {
            return new HikariDataSource(config);
        } catch (RuntimeException e) {
            throw StartException.of(
                    KEY, "no database answers at " + location(config.getJdbcUrl()) + " (" + oneLine(e) + ")");
        }
    }

    /** Sees to it that only their owner can read the folder of H2's file, and the files in it. */
    private static void keepPrivate(String url) {
        String path = url.substring(H2.length()).split(";", 2)[0].replaceFirst("^file:", "");
        if (path.matches("[A-Za-z]\\w+:.*")) {
            // A file system of H2's own.
            return;
        }
        Path database = Path.of(
                        path.replaceFirst("^~/", Matcher.quoteReplacement(System.getProperty("user.home") + "/")))
                .toAbsolutePath()
                .normalize();
        Path folder = database.getParent();
        try {
            createPrivateFolder(folder);
            // Somebody may have put the database beside other things, which are not ours to close.
            if (!folder.equals(Path.of("").toAbsolutePath())) {
                restrict(folder, "rwx------");
            }
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, database.getFileName() + ".*.db")) {
                for (Path file : files) {
                    restrict(file, "rw-------");
                }
            }
        } catch (IOException e) {
            throw StartException.of(KEY, "the folder " + folder + " can't be made private (" + e.getMessage() + ")");
        }
    }

    /** Makes a folder, with what is missing above it, that only its owner can read. */
    public static void createPrivateFolder(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            Files.createDirectories(folder);
            restrict(folder, "rwx------");
        }
    }

    private static void restrict(Path path, String permissions) throws IOException {
        if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
        }
    }

    private static String oneLine(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("").strip();
    }

    /** A JDBC URL without its parameters, which may hold a password. */
    public static String location(String url) {
        return url.split("[;?]", 2)[0].replaceAll("//[^/@]*@", "//");
    }

    public DataSource dataSource() {
        return pool;
    }

    /**
     * Takes a connection that failed out of the pool, with those that rest there, since what broke one has broken all;
     * and has H2 read its file again, which mends what an error left.
     */
    public void giveUp(Connection connection) {
        if (h2) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SHUTDOWN IMMEDIATELY");
            } catch (SQLException e) {
                // It is closed already: H2 does that itself when it can't write.
            }
        }
        pool.evictConnection(connection);
        pool.getHikariPoolMXBean().softEvictConnections();
    }

    /** Makes sure that what this connection has committed survives the loss of the process and of power. */
    public void sync(Connection connection) throws SQLException {
        if (h2) {
            // H2 answers COMMIT before the file is written; PostgreSQL does not with synchronous_commit on.
            try (Statement statement = connection.createStatement()) {
                statement.execute("CHECKPOINT SYNC");
            }
        }
    }

    /**
     * How many groups of callbacks may be written at the same time: on PostgreSQL a second one, lest all wait while
     * another node holds the task of a group; H2 syncs its one file.
     */
    public int writers() {
        return h2 ? 1 : 2;
    }

    public boolean isH2() {
        return h2;
    }

    /** Closes it; closing it again does nothing. */
    @Override
    public void close() {
        tidying.shutdown();
        if (h2 && !pool.isClosed()) {
            shutDown();
        }
        pool.close();
    }

    /** Closes the pool first: whoever asked it for a connection after H2 has closed its file would open that again. */
    private void shutDown() {
        try (Connection last = DriverManager.getConnection(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword());
                Statement statement = last.createStatement()) {
            pool.close();
            statement.execute(worthWritingAnew(last) ? "SHUTDOWN COMPACT" : "SHUTDOWN");
        } catch (SQLException | RuntimeException e) {
            // The file is closed already or can't be; the next start recovers what was synced.
        }
        try {
            // H2 may have written it as a new file.
            keepPrivate(pool.getJdbcUrl());
        } catch (StartException e) {
            LOG.warn(e.getMessage());
        }
    }

    private static boolean worthWritingAnew(Connection connection) throws SQLException {
        FileStore<?> file = store(connection).getFileStore();
        long used = file.size() / 100 * file.getFillRate();
        return used / 100 * file.getChunksFillRate() <= MAX_WRITTEN_ANEW;
    }

    private static MVStore store(Connection connection) throws SQLException {
        SessionLocal session =
                (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
        return session.getDatabase().getStore().getMvStore();
    }
}
