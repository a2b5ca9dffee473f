package dev.callboard.bench;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.PostgresqlServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * Runs the packaged Callboard for a long time under the load of {@link TaskLives}, on a database that holds tasks already.
 * Prints a line a minute, and at the end the latencies, whether all that was acknowledged is stored, and whether the
 * memory grew. Asserts nothing. {@code mvn -Pbench verify -Dbench.main=dev.callboard.bench.Soak} runs it, with:
 *
 * <ul>
 *   <li>{@code soak.backend}: h2 (the default) or postgresql
 *   <li>{@code soak.minutes}: how long it is measured, 30 by default, after {@code soak.warm-up-seconds}, 30
 *   <li>{@code soak.rate}: callbacks a second, 200; 0 is full load, with as many requests at a time as connections
 *   <li>{@code soak.connections}: 64
 *   <li>{@code soak.stored}: tasks before, 0
 *   <li>{@code soak.expiring}: true sets {@code callboard.retention=1d}, and the tasks stored before were received a day
 *       ago, so that they expire as fast as new ones come; false
 *   <li>{@code soak.java-options}: those that the README recommends
 *   <li>{@code soak.folder}: where its files are, deleted at the end; that of temporary files. A million stored tasks
 *       take 2.6 GB on PostgreSQL, beside up to 1 GB of its log
 * </ul>
 */
final class Soak {
    private static final boolean POSTGRESQL =
            Backend.valueOf(System.getProperty("soak.backend", "h2").toUpperCase(Locale.ROOT)) == Backend.POSTGRESQL;
    private static final int MINUTES = Integer.getInteger("soak.minutes", 30);
    private static final int WARM_UP_SECONDS = Integer.getInteger("soak.warm-up-seconds", 30);
    private static final int RATE = Integer.getInteger("soak.rate", 200);
    private static final int CONNECTIONS = Integer.getInteger("soak.connections", 64);
    private static final int STORED = Integer.getInteger("soak.stored", 0);
    private static final boolean EXPIRING = Boolean.getBoolean("soak.expiring");
    private static final String JAVA_OPTIONS =
            System.getProperty("soak.java-options", String.join(" ", CallboardProcess.OPTIONS));

    private static final int SECONDS_BETWEEN_LOOKS = 5;
    private static final int LOOKS_A_MINUTE = 60 / SECONDS_BETWEEN_LOOKS;
    private static final double[] PERCENTILES = {50, 90, 99, 99.9, 99.99, 99.999, 100};
    private static final int ROWS_AT_A_TIME = 10_000;

    /** The heap after a collection, in MB, in a line of the JVM's log: {@code 45M->12M(154M)}. */
    private static final Pattern AFTER_COLLECTION = Pattern.compile("\\d+M->(\\d+)M\\(");

    private final Path folder;
    private final Path home;
    private final Path collections;
    private final Map<String, String> database;
    private final CallboardProcess callboard;
    private final TaskLives tasks = new TaskLives(CONNECTIONS);
    private final Histogram all = new Histogram(3);
    private final List<Double> residentMegabytes = new ArrayList<>();
    private long peakMegabytes;

    private Soak(Path folder, Map<String, String> database) {
        this.folder = folder;
        this.database = new HashMap<>(database);
        if (EXPIRING) {
            this.database.put("callboard.retention", "1d");
        }
        this.home = folder.resolve("callboard");
        this.collections = home.resolve("gc.log");
        List<String> options = new ArrayList<>(List.of(JAVA_OPTIONS.strip().split(" +", -1)));
        options.add("-Xlog:gc:file=" + collections);
        this.callboard = Servers.callboard(Path.of(""), home, this.database, options);
    }

    public static void main(String[] args) throws Exception {
        Path parent = Path.of(System.getProperty("soak.folder", System.getProperty("java.io.tmpdir")));
        Path folder = Files.createTempDirectory(Files.createDirectories(parent.toAbsolutePath()), "callboard-soak");
        try {
            if (POSTGRESQL) {
                try (PostgresqlServer server = new PostgresqlServer(folder.resolve("postgresql"))) {
                    new Soak(folder, server.newDatabase()).run();
                }
            } else {
                new Soak(folder, Backend.H2.newDatabase(folder.resolve("callboard"))).run();
            }
        } finally {
            Servers.delete(folder);
        }
        System.exit(0);
    }

    private void run() throws Exception {
        System.out.printf(
                Locale.ROOT,
                "%s, %s, %d connections, %d minutes after %d s, %,d tasks before, java %s%n",
                POSTGRESQL ? "PostgreSQL" : "H2",
                RATE == 0 ? "full load" : RATE + " callbacks a second",
                CONNECTIONS,
                MINUTES,
                WARM_UP_SECONDS,
                STORED,
                JAVA_OPTIONS);
        if (STORED > 0) {
            store();
        }
        Instant begin = Instant.now();
        Load load = new Load(List.of(callboard.port), CONNECTIONS, tasks);
        if (RATE > 0) {
            load.at(RATE);
        }
        try {
            callboard.start();
            watch(load);
        } finally {
            callboard.close();
        }
        report(load, begin);
    }

    private void store() throws SQLException {
        long begin = System.nanoTime();
        // Callboard itself creates its tables.
        callboard.start();
        callboard.close();
        try (Connection connection = Servers.connect(database)) {
            if (EXPIRING) {
                // Of two callbacks, one begins a task.
                Duration between = Duration.ofSeconds(2).dividedBy(RATE);
                StoredTasks.store(connection, STORED, Instant.now().minus(Duration.ofDays(1)), between);
            } else {
                StoredTasks.store(connection, STORED, Instant.now().minusSeconds(STORED));
            }
        }
        System.out.printf(Locale.ROOT, "stored in %d s%n", TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin));
    }

    /** Runs the load, and prints a line a minute. */
    private void watch(Load load) throws Exception {
        load.start(WARM_UP_SECONDS + 60 * MINUTES);
        TimeUnit.SECONDS.sleep(WARM_UP_SECONDS);
        load.latencies();
        System.out.println("minute  callbacks/s  p50 ms  p99 ms  p99.9 ms    max ms  RSS MB  heap MB  database MB"
                + "  alerts pending  mails  queue  not 200");
        long before = load.acknowledged();
        long begin = System.nanoTime();
        long javaMs = callboard.processorMs();
        long postgresqlMicros = postgresqlMicros();
        long first = before;
        double queue = 0;
        for (int look = 1; look <= MINUTES * LOOKS_A_MINUTE; look++) {
            long next = begin + TimeUnit.SECONDS.toNanos((long) look * SECONDS_BETWEEN_LOOKS);
            TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
            residentMegabytes.add(residentMegabytes());
            Map<String, Double> metrics = Servers.metrics(callboard.managementPort);
            queue = Math.max(queue, metrics.getOrDefault("callboard_commit_queue_size", 0.0));
            if (look % LOOKS_A_MINUTE == 0) {
                long now = load.acknowledged();
                print(look / LOOKS_A_MINUTE, (now - before) / 60.0, load, metrics, queue);
                before = now;
                queue = 0;
            }
        }
        long requests = Math.max(1, load.acknowledged() - first);
        System.out.printf(
                Locale.ROOT,
                "%nprocessor time a callback: JVM %d us, PostgreSQL %d us%n",
                1000 * (callboard.processorMs() - javaMs) / requests,
                (postgresqlMicros() - postgresqlMicros) / requests);
        peakMegabytes = callboard.residentMegabytes();
        load.await();
        all.add(load.latencies());
    }

    private void print(int minute, double rate, Load load, Map<String, Double> metrics, double queue) throws Exception {
        Histogram latencies = load.latencies();
        all.add(latencies);
        System.out.printf(
                Locale.ROOT,
                "%6d %12.0f %7.1f %7.1f %9.1f %9.1f %7.0f %8s %12d %15.0f %6d %6.0f %8d%n",
                minute,
                rate,
                Load.milliseconds(latencies, 50),
                Load.milliseconds(latencies, 99),
                Load.milliseconds(latencies, 99.9),
                Load.milliseconds(latencies, 100),
                residentMegabytes.get(residentMegabytes.size() - 1),
                heapAfterCollection(),
                databaseMegabytes(),
                metrics.getOrDefault("callboard_alerts_pending", 0.0),
                Servers.mails(home),
                queue,
                load.others());
    }

    private void report(Load load, Instant begin) throws SQLException {
        System.out.printf(Locale.ROOT, "%nlatencies of %,d answers%n", all.getTotalCount());
        for (double percentile : PERCENTILES) {
            System.out.printf(
                    Locale.ROOT,
                    "%9s %10.1f ms%n",
                    percentile == 100 ? "max" : "p" + String.valueOf(percentile).replaceAll("\\.0$", ""),
                    Load.milliseconds(all, percentile));
        }
        Map<String, String> readOnly = readOnly();
        TaskLives.Stored stored = stored(readOnly, begin);
        long alerts = Servers.number(readOnly, "SELECT COUNT(*) FROM alert WHERE kind = 'failed'");
        System.out.printf(
                Locale.ROOT,
                "%n%,d answers 200 to %,d different callbacks, %,d other answers or none%n"
                        + "%,d rows: %d acknowledged callbacks missing, %d stored twice, %d stored without a 200%n"
                        + "%,d failed tasks, %,d alerts: %s%n",
                load.acknowledged(),
                tasks.acknowledged(),
                load.others(),
                stored.rows(),
                stored.missing(),
                stored.twice(),
                stored.unanswered(),
                stored.failedTasks(),
                alerts,
                stored.failedTasks() == alerts ? "equal" : "NOT EQUAL");
        int quarter = Math.max(1, residentMegabytes.size() / 4);
        System.out.printf(
                Locale.ROOT,
                "RSS, median: %.0f MB in the first quarter, %.0f MB in the last; peak %d MB%n",
                median(residentMegabytes.subList(0, quarter)),
                median(residentMegabytes.subList(residentMegabytes.size() - quarter, residentMegabytes.size())),
                peakMegabytes);
    }

    /** H2 would otherwise compact its file while a query reads it row by row, and delete what the query still needs. */
    private Map<String, String> readOnly() {
        Map<String, String> readOnly = new HashMap<>(database);
        if (!POSTGRESQL) {
            readOnly.computeIfPresent("callboard.database.url", (key, url) -> url + ";ACCESS_MODE_DATA=r");
        }
        return readOnly;
    }

    private TaskLives.Stored stored(Map<String, String> readOnly, Instant begin) throws SQLException {
        TaskLives.Stored stored = tasks.stored();
        try (Connection connection = Servers.connect(readOnly)) {
            // Both databases would otherwise read all rows into memory.
            connection.setAutoCommit(false);
            if (!POSTGRESQL) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("SET LAZY_QUERY_EXECUTION 1");
                }
            }
            try (PreparedStatement statement =
                    connection.prepareStatement("SELECT task_id, outcome FROM callback WHERE received_at >= ?")) {
                statement.setFetchSize(ROWS_AT_A_TIME);
                statement.setObject(1, begin.atOffset(ZoneOffset.UTC));
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        stored.add(row.getString(1), row.getString(2));
                    }
                }
            }
        }
        return stored;
    }

    /** The resident memory of Callboard now. */
    private static double residentMegabytes() throws IOException {
        long pid = ProcessHandle.current()
                .children()
                .filter(child -> child.info().commandLine().orElse("").contains("callboard.jar"))
                .findFirst()
                .orElseThrow()
                .pid();
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
            String line =
                    lines.filter(text -> text.startsWith("VmRSS:")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
        }
    }

    /** What the last collection left, of whatever kind; {@code -} before the first one. */
    private String heapAfterCollection() throws IOException {
        String last = "-";
        try (Stream<String> lines = Files.lines(collections)) {
            for (String line : (Iterable<String>) lines::iterator) {
                Matcher matcher = AFTER_COLLECTION.matcher(line);
                if (matcher.find()) {
                    last = matcher.group(1);
                }
            }
        }
        return last;
    }

    private long databaseMegabytes() throws IOException, SQLException {
        long bytes = POSTGRESQL
                ? Servers.number(database, "SELECT pg_database_size(current_database())")
                : Files.size(home.resolve("data/callboard.mv.db"));
        return bytes / 1_000_000;
    }

    private long postgresqlMicros() {
        return POSTGRESQL ? Servers.postgresqlMicros(folder.resolve("postgresql")) : 0;
    }

    private static double median(List<Double> values) {
        return Table.median(
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray());
    }
}
