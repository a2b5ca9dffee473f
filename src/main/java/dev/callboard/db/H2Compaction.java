package dev.callboard.db;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.mvstore.FileStore;
import org.h2.mvstore.MVStore;

/**
 * Keeps H2's file small while it is open. H2 compacts the file itself, but under a steady load of small commits it lets it
 * grow to several times the size of its contents first. Commits wait during compaction, so it is done often and a little
 * at a time.
 */
final class H2Compaction {
    private static final int INTERVAL_SECONDS = 2;

    /** Which share of the file the contents should have at least. */
    private static final int TARGET_FILL_PERCENT = 80;

    private static final int MAX_BYTES_A_ROUND = 1024 * 1024;

    /** Up to which size of its contents the file is rewritten when it is closed, at about 20 MB a second. */
    private static final long MAX_BYTES_REWRITTEN = 40_000_000;

    /** Null until it is started. */
    private ScheduledExecutorService executor;

    void start(DataSource dataSource) {
        executor = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "callboard-compaction");
            thread.setDaemon(true);
            return thread;
        });
        var unused = executor.scheduleWithFixedDelay(
                () -> compact(dataSource), INTERVAL_SECONDS, INTERVAL_SECONDS, TimeUnit.SECONDS);
    }

    void stop() {
        if (executor != null) {
            executor.shutdown();
        }
    }

    /** Copies what is still used of the emptiest chunks to the end of the file, so that their space can be reused. */
    private synchronized void compact(DataSource dataSource) {
        try (Connection connection = dataSource.getConnection()) {
            store(connection).compact(TARGET_FILL_PERCENT, MAX_BYTES_A_ROUND);
        } catch (SQLException | RuntimeException e) {
            // The file can't be written at the moment; recording a callback reports that.
        }
    }

    /** The content of a backup, as {@link H2Backup#write} returns it. Nothing is compacted while it is written. */
    synchronized InputStream backup(Connection connection, Path folder) throws SQLException, IOException {
        return H2Backup.write(connection, folder);
    }

    /** Whether the contents are few enough to rewrite the file, which leaves it as small as possible. */
    static boolean isWorthRewriting(Connection connection) throws SQLException {
        FileStore<?> file = store(connection).getFileStore();
        long used = file.size() / 100 * file.getFillRate();
        return used / 100 * file.getChunksFillRate() <= MAX_BYTES_REWRITTEN;
    }

    /** H2's file, and what it has of it in memory. */
    static MVStore store(Connection connection) throws SQLException {
        SessionLocal session =
                (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
        return session.getDatabase().getStore().getMvStore();
    }
}
