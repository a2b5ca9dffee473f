package dev.callboard.bench;

import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.task.GroupCommit;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.PostgresqlServer;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.text.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Measures the throughput and latency of Callboard on this machine, beside those of its parts: one table from one run
 * ({@code mvn -Pbench verify}). Asserts nothing, but prints whether the tables hold what was acknowledged. The clients,
 * PostgreSQL and Callboard share the processors of the machine.
 */
final class Benchmark {
    private static final int CONNECTIONS = Integer.getInteger("bench.connections", 64);
    private static final int WARM_UP_SECONDS = Integer.getInteger("bench.warm-up-seconds", 20);
    private static final int SECONDS = Integer.getInteger("bench.seconds", 20);
    private static final int STORED = Integer.getInteger("bench.stored", 1_000_000);
    private static final String JAVA_OPTIONS =
            System.getProperty("bench.java-options", String.join(" ", CallboardProcess.OPTIONS));
    /** The numbers of the cases to run. */
    private static final String CASES = System.getProperty("bench.cases", "1,2,3,4,5,6,7,8");

    private static final int STORM = 10_000;
    private static final int STORM_SECONDS = 60;
    /** A little longer than the storm, so that it leads to two mails: the first at once, the second after it. */
    private static final int STORM_INTERVAL_SECONDS = 70;

    private static final List<String> PAYLOADS = List.of(
            TestCallboard.payload("fotor-video-failed"),
            TestCallboard.payload("fotor-avatar-completed"),
            TestCallboard.payload("fotor-video-completed"));

    /** Takes the place of the route that records. */
    private static final String RECORD_NOTHING =
            """
            - route:
                id: record-nothing
                from:
                  uri: direct:record-nothing
                  steps:
                    - removeVariable:
                        name: none
            """;

    private final Path folder = Files.createTempDirectory("callboard-benchmark");
    private final List<String> table = new ArrayList<>();

    private Benchmark() throws IOException {}

    public static void main(String[] args) throws Exception {
        new Benchmark().run();
        // The database server of the tests stops with the JVM.
        System.exit(0);
    }

    private void run() throws Exception {
        table.add(String.format(
                Locale.ROOT,
                "%-52s %10s %8s %8s %7s %9s %8s %7s %s",
                "",
                "requests/s",
                "p50 ms",
                "p99 ms",
                "CPU us",
                "first 200",
                "RSS MB",
                "disk MB",
                "answers = rows"));
        if (wants(1)) {
            onH2("1 Callboard on H2", 0);
        }
        try (PostgresqlServer server = new PostgresqlServer(folder.resolve("postgresql"))) {
            if (wants(2)) {
                onPostgresql("2 Callboard on PostgreSQL", server, 0);
            }
            if (wants(3)) {
                withoutRecording("3 the same routes, recording nothing");
            }
            if (wants(4)) {
                plainRoute("4 a plain Camel route, one insert a request", server);
            }
            if (wants(5)) {
                databaseAlone("5 PostgreSQL alone, batches of 64 from plain JDBC", server.settings());
                databaseAlone(
                        "5 H2 alone, batches of 64 from plain JDBC",
                        Backend.H2.newDatabase(folder.resolve("h2-alone")));
            }
            if (wants(6)) {
                for (Mix mix : List.of(Mix.NONE_FAILED, Mix.ALL_FAILED)) {
                    String name = "6 " + STORM + " in a minute, " + mix.words + ", on ";
                    minute(name + "H2", mix, Backend.H2.newDatabase(folder.resolve("h2-" + mix)));
                    minute(name + "PostgreSQL", mix, server.newDatabase());
                }
            }
            if (wants(7)) {
                onH2("7 Callboard on H2, " + STORED + " tasks before", STORED);
            }
            if (wants(8)) {
                onPostgresql("8 Callboard on PostgreSQL, " + STORED + " tasks before", server, STORED);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%n%d connections, %d s after %d s of warm-up, unique tasks, a tenth failed; java %s%n",
                CONNECTIONS,
                SECONDS,
                WARM_UP_SECONDS,
                JAVA_OPTIONS);
        table.forEach(System.out::println);
    }

    private static boolean wants(int number) {
        return List.of(CASES.split(",", -1)).contains(String.valueOf(number));
    }

    private static List<String> options() {
        return CallboardProcess.packaged(List.of(JAVA_OPTIONS.split(" ", -1)));
    }

    private void onH2(String name, int stored) throws Exception {
        Path home = folder.resolve("h2-" + stored);
        Map<String, String> database = Backend.H2.newDatabase(home);
        store(database, stored);
        measure(name, new CallboardProcess(home, database, options()), database, home.resolve("data"));
    }

    private void onPostgresql(String name, PostgresqlServer server, int stored) throws Exception {
        Map<String, String> database = server.newDatabase();
        store(database, stored);
        Path home = folder.resolve("postgresql-" + stored);
        measure(name, new CallboardProcess(home, database, options()), database, null);
    }

    private void withoutRecording(String name) throws Exception {
        Path home = folder.resolve("nothing");
        Path routes = Files.createDirectories(home.resolve("routes"));
        try (Stream<Path> files = Files.list(Path.of("routes"))) {
            for (Path file : files.toList()) {
                String text = Files.readString(file).replace("record-task", "record-nothing");
                Files.writeString(routes.resolve(file.getFileName()), text);
            }
        }
        Files.deleteIfExists(routes.resolve("record-task.camel.yaml"));
        Files.writeString(routes.resolve("record-nothing.camel.yaml"), RECORD_NOTHING);
        Map<String, String> settings = new HashMap<>(Backend.H2.newDatabase(home));
        settings.put("callboard.routes", "file:" + routes + "/*.camel.yaml");
        measure(name, new CallboardProcess(home, settings, options()), null, null);
    }

    private void plainRoute(String name, PostgresqlServer server) throws Exception {
        Map<String, String> database = server.newDatabase();
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE callback (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                    + " task_id VARCHAR(200) NOT NULL, status VARCHAR(200) NOT NULL, payload TEXT NOT NULL,"
                    + " received_at TIMESTAMP WITH TIME ZONE NOT NULL)");
        }
        List<String> arguments = new ArrayList<>(List.of(JAVA_OPTIONS.split(" ", -1)));
        arguments.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path")
                        .replaceAll("(^|:)target", "$1" + Path.of("target").toAbsolutePath()),
                PlainCamel.class.getName()));
        measure(name, new CallboardProcess(folder.resolve("plain"), database, arguments), database, null);
    }

    private void measure(String name, CallboardProcess callboard, Map<String, String> database, Path files)
            throws Exception {
        int before = database == null ? 0 : rowsIfAny(database, "callback");
        System.out.println(name + " ...");
        try (callboard) {
            long firstMs = callboard.start();
            Load warmUp = new Load(callboard.port, "w", Mix.TENTH_FAILED).run(WARM_UP_SECONDS);
            long processor = callboard.processorMs();
            Load load = new Load(callboard.port, "m", Mix.TENTH_FAILED).run(SECONDS);
            processor = callboard.processorMs() - processor;
            long rss = callboard.residentMegabytes();
            long disk = files == null ? 0 : megabytes(files);
            callboard.close();
            String check = "";
            if (database != null) {
                int answered = warmUp.acknowledged + load.acknowledged + 1;
                int rows = rowsIfAny(database, "callback") - before;
                int failed = warmUp.failed + load.failed;
                int alerts = name.startsWith("4") ? failed : rowsIfAny(database, "alert");
                check = answered + (answered == rows ? " = " : " IS NOT ") + rows + ", alerts " + failed
                        + (failed == alerts ? " = " : " IS NOT ") + alerts;
            }
            if (load.failures > 0) {
                check += ", " + load.failures + " not 200";
            }
            table.add(String.format(
                    Locale.ROOT,
                    "%-52s %10d %8.1f %8.1f %7d %6d ms %8d %7d %s",
                    name,
                    load.acknowledged / SECONDS,
                    load.percentile(50),
                    load.percentile(99),
                    1000 * processor / Math.max(1, load.acknowledged),
                    firstMs,
                    rss,
                    disk,
                    check));
            System.out.println(table.get(table.size() - 1));
        }
    }

    /** Callbacks at a constant rate: the latency of the responses, and the number of mails. */
    private void minute(String name, Mix mix, Map<String, String> database) throws Exception {
        System.out.println(name + " ...");
        Path home = Files.createTempDirectory(folder, "minute");
        Map<String, String> settings = new HashMap<>(database);
        settings.put("callboard.alerts.interval", STORM_INTERVAL_SECONDS + "s");
        try (CallboardProcess callboard = new CallboardProcess(home, settings, options())) {
            callboard.start();
            int pace = STORM / STORM_SECONDS;
            new Load(callboard.port, "w", Mix.NONE_FAILED).at(pace).run(WARM_UP_SECONDS);
            long processor = callboard.processorMs();
            Load load = new Load(callboard.port, "m", mix).at(pace).run(STORM_SECONDS);
            processor = callboard.processorMs() - processor;
            if (load.failed > 0) {
                TimeUnit.SECONDS.sleep(STORM_INTERVAL_SECONDS - STORM_SECONDS + 20);
            }
            Path mails = home.resolve("data/mail");
            long sent = 0;
            if (Files.exists(mails)) {
                try (Stream<Path> files = Files.list(mails)) {
                    sent = files.count();
                }
            }
            table.add(String.format(
                    Locale.ROOT,
                    "%-52s %10d %8.1f %8.1f %7d  %d failures, %d mails, %d not 200",
                    name,
                    load.acknowledged / STORM_SECONDS,
                    load.percentile(50),
                    load.percentile(99),
                    1000 * processor / Math.max(1, load.acknowledged),
                    load.failed,
                    sent,
                    load.failures));
        }
        System.out.println(table.get(table.size() - 1));
    }

    private static long megabytes(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                            .mapToLong(file -> file.toFile().length())
                            .sum()
                    / 1_000_000;
        }
    }

    private static Connection connect(Map<String, String> database) throws SQLException {
        return DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.getOrDefault("callboard.database.user", "sa"),
                database.getOrDefault("callboard.database.password", ""));
    }

    private static int rowsIfAny(Map<String, String> database, String table) throws SQLException {
        try (Connection connection = connect(database);
                ResultSet tables = connection.getMetaData().getTables(null, "public", table, null)) {
            if (!tables.next()) {
                return 0;
            }
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT COUNT(*) FROM " + table)) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    /** Inserts tasks into a new database, each with one callback, before it is measured. */
    private static void store(Map<String, String> database, int tasks) throws Exception {
        if (tasks == 0) {
            return;
        }
        Properties properties = new Properties();
        properties.putAll(database);
        Settings settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        try (Database opened = Database.open(settings);
                Connection connection = opened.dataSource().getConnection()) {
            int batch = 100_000;
            for (int first = 1; first <= tasks; first += batch) {
                insertStored(connection, first, Math.min(first + batch - 1, tasks), opened.isH2());
                opened.sync(connection);
            }
            if (!opened.isH2()) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("VACUUM ANALYZE");
                }
            }
        }
    }

    private static void insertStored(Connection connection, int first, int last, boolean h2) throws SQLException {
        String numbers = h2
                ? "SYSTEM_RANGE(" + first + ", " + last + ") AS n(i)"
                : "generate_series(" + first + ", " + last + ") AS n(i)";
        String uuid = h2 ? "RANDOM_UUID()" : "gen_random_uuid()";
        try (Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO task (provider, task_id, task_type, status, outcome, first_received_at,"
                    + " last_callback_at, changed_at, outcome_since, applied_callback_id, revision)"
                    + " SELECT 'fotor', 'stored-' || i, 'videoEnhancer', '1', 'completed', CURRENT_TIMESTAMP,"
                    + " CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, " + uuid + ", 1 FROM " + numbers);
            statement.execute("INSERT INTO callback (callback_id, provider, task_id, status, outcome, digest, payload,"
                    + " origin, received_at) SELECT applied_callback_id, provider, task_id, status, outcome,"
                    + (h2 ? " HASH('SHA-256', task_id)," : " sha256(task_id::bytea),")
                    + " '" + PAYLOADS.get(2).replaceAll("\\s+", " ") + "', 'callback', changed_at FROM task"
                    + " WHERE task_id IN (SELECT 'stored-' || i FROM " + numbers + ")");
        }
    }

    /** The throughput of the database alone, from one connection, with one transaction and one sync for each batch. */
    private void databaseAlone(String name, Map<String, String> database) throws Exception {
        System.out.println(name + " ...");
        Properties properties = new Properties();
        properties.putAll(database);
        int rows = 0;
        try (Database opened = Database.open(Settings.read(Path.of("no-file"), Map.of(), properties));
                Connection connection = opened.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            long begin = System.nanoTime();
            long end = begin + TimeUnit.SECONDS.toNanos(SECONDS);
            for (; System.nanoTime() < end; rows += GroupCommit.MAX_GROUP_SIZE) {
                insertBatch(connection, rows);
                connection.commit();
                opened.sync(connection);
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            table.add(String.format(Locale.ROOT, "%-52s %10.0f", name, rows / seconds));
        }
        System.out.println(table.get(table.size() - 1));
    }

    private static void insertBatch(Connection connection, int first) throws SQLException {
        OffsetDateTime now = Instant.now().atOffset(ZoneOffset.UTC);
        try (PreparedStatement task = connection.prepareStatement(
                        "INSERT INTO task (provider, task_id, task_type, status, outcome, first_received_at, last_callback_at,"
                                + " changed_at, outcome_since, applied_callback_id, revision)"
                                + " VALUES ('fotor', ?, 'videoEnhancer', '1', 'completed', ?, ?, ?, ?, ?, 1)");
                PreparedStatement callback = connection.prepareStatement(
                        "INSERT INTO callback (callback_id, provider, task_id, status, outcome, digest, payload, origin,"
                                + " received_at) VALUES (?, 'fotor', ?, '1', 'completed', ?, ?, 'callback', ?)")) {
            for (int i = first; i < first + GroupCommit.MAX_GROUP_SIZE; i++) {
                UUID id = UUID.randomUUID();
                String payload = payload("alone-" + i, Mix.TENTH_FAILED, i);
                task.setString(1, "alone-" + i);
                for (int column = 2; column <= 5; column++) {
                    task.setObject(column, now);
                }
                task.setObject(6, id);
                task.addBatch();
                callback.setObject(1, id);
                callback.setString(2, "alone-" + i);
                callback.setBytes(3, Sha256.of(payload).bytes());
                callback.setString(4, payload);
                callback.setObject(5, now);
                callback.addBatch();
            }
            task.executeBatch();
            callback.executeBatch();
        }
    }

    /** Which of the tasks fail. */
    private enum Mix {
        NONE_FAILED("none failed"),
        TENTH_FAILED("a tenth failed"),
        ALL_FAILED("all failed");

        private final String words;

        Mix(String words) {
            this.words = words;
        }

        boolean hasFailed(int i) {
            return this == ALL_FAILED || (this == TENTH_FAILED && i % 10 == 0);
        }
    }

    /** The body for the i-th task: failed, or every fifth an avatar with three images, or a video. */
    private static String payload(String taskId, Mix mix, int i) {
        String example = PAYLOADS.get(mix.hasFailed(i) ? 0 : i % 5 == 1 ? 1 : 2);
        int at = example.indexOf("\"taskId\": \"") + "\"taskId\": \"".length();
        return example.substring(0, at) + taskId + example.substring(example.indexOf('"', at));
    }

    /** Sends requests over all connections: each as soon as it has its response, or at a constant rate. */
    private static final class Load {
        private final int port;
        private final String prefix;
        private final Mix mix;
        private final List<long[]> latencies = new ArrayList<>();
        int acknowledged;
        int failed;
        int failures;
        private long[] sorted = {};
        private long paceNanos;

        Load(int port, String prefix, Mix mix) {
            this.port = port;
            this.prefix = prefix;
            this.mix = mix;
        }

        /** Sends so many requests a second over all connections, as long as the responses come in time. */
        Load at(int perSecond) {
            paceNanos = TimeUnit.SECONDS.toNanos(CONNECTIONS) / perSecond;
            return this;
        }

        Load run(int seconds) throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                int line = i;
                Thread thread = new Thread(() -> call(line, end));
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            sorted = latencies.stream().flatMapToLong(Arrays::stream).sorted().toArray();
            return this;
        }

        private void call(int line, long end) {
            long[] mine = new long[1024];
            int calls = 0;
            int good = 0;
            int bad = 0;
            long first = System.nanoTime() + line * paceNanos / CONNECTIONS;
            try (Caller caller = new Caller(port)) {
                for (; System.nanoTime() < end; calls++) {
                    String body = payload(prefix + "-" + line + "-" + calls, mix, calls);
                    sleepUntil(first + calls * paceNanos);
                    long begin = System.nanoTime();
                    boolean ok = caller.post("fotor", body) == 200;
                    long done = System.nanoTime();
                    if (calls == mine.length) {
                        mine = Arrays.copyOf(mine, 2 * calls);
                    }
                    mine[calls] = done - begin;
                    good += ok ? 1 : 0;
                    bad += ok && mix.hasFailed(calls) ? 1 : 0;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                System.out.println("a connection was closed: " + e);
            }
            synchronized (this) {
                latencies.add(Arrays.copyOf(mine, calls));
                acknowledged += good;
                failed += bad;
                failures += calls - good;
            }
        }

        private static void sleepUntil(long time) throws InterruptedException {
            long wait = time - System.nanoTime();
            if (wait > 0) {
                TimeUnit.NANOSECONDS.sleep(wait);
            }
        }

        double percentile(int percent) {
            return sorted.length == 0 ? 0 : sorted[(int) ((sorted.length - 1L) * percent / 100)] / 1e6;
        }
    }
}
