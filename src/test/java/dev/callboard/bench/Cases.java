package dev.callboard.bench;

import dev.callboard.bench.UniqueTasks.Mix;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.PostgresqlServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/** What the benchmark can measure. Each start of a case has a folder and a database of its own, deleted after it. */
final class Cases {
    private static final int CONNECTIONS = Integer.getInteger("bench.connections", 64);
    private static final int SECONDS = Integer.getInteger("bench.seconds", 20);
    private static final int STORED = Integer.getInteger("bench.stored", 1_000_000);

    private static final int STORM = 10_000;
    private static final int STORM_SECONDS = 60;
    /** A little longer than the storm, so that it leads to two mails: the first at once, the second after it. */
    private static final int STORM_INTERVAL_SECONDS = 70;

    /** Takes the place of the route that records. */
    private static final String RECORD_NOTHING =
            """
            - route:
                id: record-nothing
                from:
                  uri: direct:record-nothing
                  steps:
                    - to:
                        uri: class:dev.callboard.bench.RecordNothing?method=record
            """;

    private static final String PLAIN_TABLE =
            """
            CREATE TABLE callback (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                task_id VARCHAR(200) NOT NULL, status VARCHAR(200) NOT NULL, payload TEXT NOT NULL,
                received_at TIMESTAMP WITH TIME ZONE NOT NULL)
            """;

    /** One set of options of the measured JVMs, and how long they run before they are measured. */
    record JavaOptions(List<String> options, int warmUpSeconds) {}

    /** @param oncePerRound whether the options of the measured JVMs make no difference */
    record Case(int number, String words, boolean oncePerRound, Start start) {
        String name() {
            return number + " " + words;
        }
    }

    /** Starts what a case measures, in an empty folder. */
    private interface Start {
        Sample measure(Path home, JavaOptions java) throws Exception;
    }

    /** Measures with a database that is new. */
    private interface OnNewDatabase {
        Sample measure(Map<String, String> database) throws Exception;
    }

    /** What a start did: how many callbacks were answered 200 in all, and of how many failed tasks. */
    private record Answers(long all, long failed) {}

    private final Path folder;
    private final Path data;
    private final PostgresqlServer server;
    private final Map<Path, Map<String, String>> storedOnPostgresql = new HashMap<>();
    private final Map<Path, Path> storedOnH2 = new HashMap<>();

    /**
     * @param folder for all files of the run
     * @param server whose data are in the folder {@code postgresql} of it
     */
    Cases(Path folder, PostgresqlServer server) {
        this.folder = folder;
        this.data = folder.resolve("postgresql");
        this.server = server;
    }

    /** In the order in which they run: what is compared most is next to each other. */
    List<Case> all() {
        Path here = Path.of("");
        Path other = Path.of(System.getProperty("bench.other", ""));
        boolean compares = !other.equals(here);
        List<Case> all = new ArrayList<>();
        all.add(new Case(1, "Callboard on H2", false, (home, java) -> onH2(here, home, java, 0)));
        if (compares) {
            all.add(new Case(10, "another version on H2", false, (home, java) -> onH2(other, home, java, 0)));
        }
        all.add(new Case(2, "Callboard on PostgreSQL", false, (home, java) -> onPostgresql(here, home, java, 1, 0)));
        if (compares) {
            all.add(new Case(
                    11, "another version on PostgreSQL", false, (home, java) -> onPostgresql(other, home, java, 1, 0)));
        }
        String lookups = ", " + Lookups.PER_SECOND + " look-ups a second";
        all.add(new Case(
                15,
                "Callboard on H2" + lookups,
                false,
                (home, java) -> lookingUp(home, Backend.H2.newDatabase(home), java)));
        all.add(new Case(
                16,
                "Callboard on PostgreSQL" + lookups,
                false,
                (home, java) -> onNewPostgresql(database -> lookingUp(home, database, java))));
        all.add(new Case(9, "two nodes on PostgreSQL", false, (home, java) -> onPostgresql(here, home, java, 2, 0)));
        all.add(new Case(3, "the same routes, recording nothing", false, this::withoutRecording));
        all.add(new Case(4, "a plain Camel route, one insert a request", false, this::plainRoute));
        all.add(new Case(12, "HTTP alone, a bare Vert.x server", false, this::bareHttp));
        all.add(new Case(5, "PostgreSQL alone, batches of 64 from plain JDBC", true, this::postgresqlAlone));
        all.add(new Case(5, "H2 alone, batches of 64 from plain JDBC", true, this::h2Alone));
        String before = ", " + STORED + " tasks before";
        all.add(new Case(7, "Callboard on H2" + before, false, (home, java) -> onH2(here, home, java, STORED)));
        if (compares) {
            all.add(new Case(
                    13, "another version on H2" + before, false, (home, java) -> onH2(other, home, java, STORED)));
        }
        all.add(new Case(
                8,
                "Callboard on PostgreSQL" + before,
                false,
                (home, java) -> onPostgresql(here, home, java, 1, STORED)));
        if (compares) {
            all.add(new Case(
                    14,
                    "another version on PostgreSQL" + before,
                    false,
                    (home, java) -> onPostgresql(other, home, java, 1, STORED)));
        }
        for (Mix mix : List.of(Mix.NONE_FAILED, Mix.ALL_FAILED)) {
            String words = STORM + " in a minute, " + mix.words + ", on ";
            all.add(new Case(
                    6, words + "H2", false, (home, java) -> minute(mix, home, Backend.H2.newDatabase(home), java)));
            all.add(new Case(
                    6,
                    words + "PostgreSQL",
                    false,
                    (home, java) -> onNewPostgresql(database -> minute(mix, home, database, java))));
        }
        return all;
    }

    /** Starts a case once. */
    Sample measure(Case one, JavaOptions java) throws Exception {
        Path home = Files.createTempDirectory(folder, "start");
        Servers.execute(server.settings(), "CHECKPOINT");
        try {
            return one.start.measure(home, java);
        } finally {
            Servers.delete(home);
        }
    }

    static String load() {
        return CONNECTIONS + " connections, " + SECONDS + " s, unique tasks, a tenth failed";
    }

    private Sample onH2(Path version, Path home, JavaOptions java, int stored) throws Exception {
        if (stored > 0) {
            Files.createDirectories(home.resolve("data"));
            Files.copy(storedOnH2(version, stored), home.resolve("data/callboard.mv.db"));
        }
        Map<String, String> database = Backend.H2.newDatabase(home);
        return recording(List.of(Servers.callboard(version, home, database, java.options())), database, java, true);
    }

    private Sample onPostgresql(Path version, Path home, JavaOptions java, int nodes, int stored) throws Exception {
        Map<String, String> database =
                stored > 0 ? Servers.copy(server, storedOnPostgresql(version, stored)) : server.newDatabase();
        List<CallboardProcess> processes = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            processes.add(Servers.callboard(version, home.resolve("node-" + i), database, java.options()));
        }
        try {
            return recording(processes, database, java, true);
        } finally {
            Servers.drop(server, database);
        }
    }

    private Sample onNewPostgresql(OnNewDatabase work) throws Exception {
        Map<String, String> database = server.newDatabase();
        try {
            return work.measure(database);
        } finally {
            Servers.drop(server, database);
        }
    }

    /** Other tasks than those of the load are open, and their provider is asked about them all the time. */
    private Sample lookingUp(Path home, Map<String, String> database, JavaOptions java) throws Exception {
        try (Lookups lookups = new Lookups()) {
            try (CallboardProcess callboard = Servers.callboard(Path.of(""), home, database, java.options())) {
                callboard.start();
                lookups.startAt(callboard.port);
            }
            Map<String, String> settings = new HashMap<>(database);
            settings.putAll(lookups.settings());
            CallboardProcess callboard = Servers.callboard(Path.of(""), home, settings, java.options());
            Sample sample = recording(List.of(callboard), database, java, true);
            return sample.note(lookups.count() + " look-ups");
        }
    }

    /** The file of a database that holds tasks already, stored when it is asked for first. */
    private Path storedOnH2(Path version, int stored) throws Exception {
        Path file = storedOnH2.get(version);
        if (file == null) {
            Path home = Files.createTempDirectory(folder, "stored");
            store(version, home, Backend.H2.newDatabase(home), stored);
            file = home.resolve("data/callboard.mv.db");
            storedOnH2.put(version, file);
        }
        return file;
    }

    private Map<String, String> storedOnPostgresql(Path version, int stored) throws Exception {
        Map<String, String> database = storedOnPostgresql.get(version);
        if (database == null) {
            database = server.newDatabase();
            store(version, Files.createTempDirectory(folder, "stored"), database, stored);
            storedOnPostgresql.put(version, database);
        }
        return database;
    }

    private static void store(Path version, Path home, Map<String, String> database, int stored) throws SQLException {
        // The version itself creates its tables.
        try (CallboardProcess callboard = Servers.callboard(version, home, database, CallboardProcess.OPTIONS)) {
            callboard.start();
        }
        try (Connection connection = Servers.connect(database)) {
            StoredTasks.store(connection, stored, Instant.now().minusSeconds(stored));
        }
    }

    private Sample withoutRecording(Path home, JavaOptions java) throws Exception {
        Path routes = Files.createDirectories(home.resolve("routes"));
        try (Stream<Path> files = Files.list(Path.of("routes"))) {
            for (Path file : files.toList()) {
                String text = Files.readString(file).replace("record-task", "record-nothing");
                Files.writeString(routes.resolve(file.getFileName()), text);
            }
        }
        Files.writeString(routes.resolve("record-nothing.camel.yaml"), RECORD_NOTHING);
        Map<String, String> settings = new HashMap<>(Backend.H2.newDatabase(home));
        settings.put("callboard.routes", "file:" + routes + "/*.camel.yaml");
        Sample sample = new Sample();
        measure(sample, List.of(Servers.callboardWithTests(home, settings, java.options())), false, java);
        return sample;
    }

    private Sample plainRoute(Path home, JavaOptions java) throws Exception {
        return onNewPostgresql(database -> {
            Servers.execute(database, PLAIN_TABLE);
            return recording(
                    List.of(Servers.program(PlainCamel.class, home, database, java.options())), database, java, false);
        });
    }

    private Sample bareHttp(Path home, JavaOptions java) throws Exception {
        Sample sample = new Sample();
        measure(sample, List.of(Servers.program(BareHttp.class, home, Map.of(), java.options())), false, java);
        return sample;
    }

    private Sample postgresqlAlone(Path home, JavaOptions java) throws Exception {
        return onNewPostgresql(database ->
                DatabaseAlone.measure(database, java.warmUpSeconds(), SECONDS, () -> Servers.postgresqlMicros(data)));
    }

    private Sample h2Alone(Path home, JavaOptions java) throws SQLException {
        return DatabaseAlone.measure(Backend.H2.newDatabase(home), java.warmUpSeconds(), SECONDS, null);
    }

    /** Measures servers that record into one database, and compares its rows with their answers. */
    private Sample recording(
            List<CallboardProcess> nodes, Map<String, String> database, JavaOptions java, boolean alerts)
            throws Exception {
        long before = rows(database, "callback");
        Sample sample = new Sample();
        Answers answers = measure(sample, nodes, Servers.isPostgresql(database), java);
        sample.check("callbacks", answers.all(), rows(database, "callback") - before);
        if (alerts) {
            sample.check("alerts", answers.failed(), rows(database, "alert"));
        }
        return sample;
    }

    private static long rows(Map<String, String> database, String table) throws SQLException {
        boolean exists = Servers.number(
                        database, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = '" + table + "'")
                > 0;
        return exists ? Servers.number(database, "SELECT COUNT(*) FROM " + table) : 0;
    }

    /** Starts servers, measures them under full load, which they share, and stops them. */
    private Answers measure(Sample sample, List<CallboardProcess> nodes, boolean postgresql, JavaOptions java)
            throws InterruptedException {
        List<Integer> ports = nodes.stream().map(node -> node.port).toList();
        UniqueTasks before = new UniqueTasks(0, Mix.TENTH_FAILED);
        UniqueTasks during = new UniqueTasks(1, Mix.TENTH_FAILED);
        try {
            sample.set(
                    Figure.FIRST_200,
                    nodes.stream().mapToDouble(CallboardProcess::start).max().orElseThrow());
            Load warmUp = new Load(ports, CONNECTIONS, before).run(java.warmUpSeconds());
            Load load = new Load(ports, CONNECTIONS, during);
            run(sample, load, SECONDS, nodes, postgresql);
            return new Answers(
                    nodes.size() + warmUp.acknowledged() + load.acknowledged(), before.failed() + during.failed());
        } finally {
            nodes.forEach(CallboardProcess::close);
        }
    }

    private void run(Sample sample, Load load, int seconds, List<CallboardProcess> nodes, boolean postgresql)
            throws InterruptedException {
        long postgresqlMicros = postgresql ? Servers.postgresqlMicros(data) : 0;
        long javaMs = nodes.stream().mapToLong(CallboardProcess::processorMs).sum();
        double groups = sum(nodes, "callboard_commit_group_size_count");
        double grouped = sum(nodes, "callboard_commit_group_size_sum");
        load.run(seconds);
        long requests = Math.max(1, load.acknowledged());
        javaMs = nodes.stream().mapToLong(CallboardProcess::processorMs).sum() - javaMs;
        groups = sum(nodes, "callboard_commit_group_size_count") - groups;
        grouped = sum(nodes, "callboard_commit_group_size_sum") - grouped;
        sample.set(Figure.REQUESTS, (double) load.acknowledged() / seconds).set(Figure.JVM, 1e3 * javaMs / requests);
        if (postgresql) {
            sample.set(Figure.POSTGRESQL, (double) (Servers.postgresqlMicros(data) - postgresqlMicros) / requests);
        }
        Histogram latencies = load.latencies();
        sample.set(Figure.P50, Load.milliseconds(latencies, 50)).set(Figure.P99, Load.milliseconds(latencies, 99));
        sample.set(
                Figure.RSS,
                nodes.stream().mapToDouble(CallboardProcess::residentMegabytes).sum());
        if (groups > 0) {
            sample.set(Figure.GROUP, grouped / groups);
        }
        if (load.others() > 0) {
            sample.note(load.others() + " not 200");
        }
    }

    private static double sum(List<CallboardProcess> nodes, String metric) {
        return nodes.stream()
                .mapToDouble(node -> Servers.metrics(node.managementPort).getOrDefault(metric, 0.0))
                .sum();
    }

    /** Callbacks at a constant rate: the latency of the answers, and the number of mails. */
    private Sample minute(Mix mix, Path home, Map<String, String> database, JavaOptions java) throws Exception {
        Map<String, String> settings = new HashMap<>(database);
        settings.put("callboard.alerts.interval", STORM_INTERVAL_SECONDS + "s");
        Sample sample = new Sample();
        UniqueTasks tasks = new UniqueTasks(1, mix);
        try (CallboardProcess callboard = Servers.callboard(Path.of(""), home, settings, java.options())) {
            sample.set(Figure.FIRST_200, (double) callboard.start());
            List<Integer> ports = List.of(callboard.port);
            int rate = STORM / STORM_SECONDS;
            new Load(ports, CONNECTIONS, new UniqueTasks(0, Mix.NONE_FAILED))
                    .at(rate)
                    .run(java.warmUpSeconds());
            Load load = new Load(ports, CONNECTIONS, tasks).at(rate);
            run(sample, load, STORM_SECONDS, List.of(callboard), Servers.isPostgresql(database));
            if (tasks.failed() > 0) {
                TimeUnit.SECONDS.sleep(STORM_INTERVAL_SECONDS - STORM_SECONDS + 20);
            }
        }
        sample.check("alerts", tasks.failed(), rows(database, "alert"));
        return sample.note(Servers.mails(home) + " mails");
    }
}
