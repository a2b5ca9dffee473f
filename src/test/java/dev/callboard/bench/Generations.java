package dev.callboard.bench;

import dev.callboard.Callboard;
import dev.callboard.db.Retention;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * Shows whether the file of H2 stays bounded under a steady load when tasks expire as fast as new ones come. Runs Callboard
 * in this process with a retention of minutes, which no setting allows, and applies it every half minute instead of every
 * ten minutes, so that the stored tasks are replaced many times within an hour, as they are within years. Prints a line a
 * minute and asserts nothing. {@code mvn -Pbench verify -Dbench.main=dev.callboard.bench.Generations} runs it, with
 * {@code soak.minutes}, {@code soak.rate} and {@code soak.folder} as {@link Soak} has them, and
 * {@code generations.seconds}, for how long a task is kept: 120.
 */
final class Generations {
    private static final int MINUTES = Integer.getInteger("soak.minutes", 30);
    private static final int RATE = Integer.getInteger("soak.rate", 20);
    /** A task ends after fifty others of its connection, so it is open for a quarter of the retention at 20 a second. */
    private static final int CONNECTIONS = 4;

    private static final Duration RETENTION = Duration.ofSeconds(Integer.getInteger("generations.seconds", 120));
    private static final int SECONDS_BETWEEN_DELETIONS = 30;

    private Generations() {}

    public static void main(String[] args) throws Exception {
        Path parent = Path.of(System.getProperty("soak.folder", System.getProperty("java.io.tmpdir")));
        Path folder =
                Files.createTempDirectory(Files.createDirectories(parent.toAbsolutePath()), "callboard-generations");
        try {
            run(folder);
        } finally {
            Servers.delete(folder);
        }
        System.exit(0);
    }

    private static void run(Path folder) throws Exception {
        Settings settings = settings(folder);
        Path file = folder.resolve("data/callboard.mv.db");
        System.out.printf(
                Locale.ROOT,
                "H2, %d callbacks a second, %d minutes, each task kept for %d s%n"
                        + "minute  received  not 200  tasks  callbacks  alerts  mails  file MB%n",
                RATE,
                MINUTES,
                RETENTION.toSeconds());
        try (Callboard callboard = Callboard.start(settings)) {
            Retention retention = callboard.camel().getRegistry().lookupByNameAndType("retention", Retention.class);
            Load load = new Load(List.of(settings.http().port()), CONNECTIONS, new TaskLives(CONNECTIONS)).at(RATE);
            load.start(60 * MINUTES);
            long begin = System.nanoTime();
            int deletions = 60 * MINUTES / SECONDS_BETWEEN_DELETIONS;
            for (int i = 1; i <= deletions; i++) {
                long next = begin + TimeUnit.SECONDS.toNanos((long) i * SECONDS_BETWEEN_DELETIONS);
                TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
                retention.apply();
                if (i * SECONDS_BETWEEN_DELETIONS % 60 == 0) {
                    print(i * SECONDS_BETWEEN_DELETIONS / 60, load, callboard, file);
                }
            }
            load.await();
        }
        System.out.printf(Locale.ROOT, "after the stop: %.1f MB%n", megabytes(file));
    }

    private static Settings settings(Path folder) throws IOException {
        Map<String, String> values = new HashMap<>(Backend.H2.newDatabase(folder));
        values.put(
                "callboard.database.url",
                "jdbc:h2:file:" + folder.resolve("data/callboard") + ";MODE=PostgreSQL;DATABASE_TO_LOWER=TRUE");
        values.put("callboard.trial", "true");
        values.put("callboard.http.port", String.valueOf(TestCallboard.freePort()));
        values.put("callboard.management.port", String.valueOf(TestCallboard.freePort()));
        values.put("callboard.mail.directory", folder.resolve("mail").toString());
        values.put("callboard.retention", "1d");
        values.put("callboard.log.level", "error");
        Properties properties = new Properties();
        properties.putAll(values);
        Settings settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        return new Settings(
                settings.http(),
                settings.management(),
                settings.trial(),
                settings.trustedProxies(),
                settings.providers(),
                settings.database(),
                Optional.of(RETENTION),
                settings.alerts(),
                settings.mail(),
                settings.events(),
                settings.routes(),
                settings.logLevel(),
                settings.logFormat(),
                settings.values());
    }

    private static void print(int minute, Load load, Callboard callboard, Path file) throws SQLException, IOException {
        try (Connection connection = callboard.dataSource().getConnection()) {
            System.out.printf(
                    Locale.ROOT,
                    "%6d %9d %8d %6d %10d %7d %6d %8.1f%n",
                    minute,
                    load.acknowledged(),
                    load.others(),
                    rows(connection, "task"),
                    rows(connection, "callback"),
                    rows(connection, "alert"),
                    rows(connection, "mail"),
                    megabytes(file));
        }
    }

    private static long rows(Connection connection, String table) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT COUNT(*) FROM " + table)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static double megabytes(Path file) throws IOException {
        return Files.size(file) / 1e6;
    }
}
