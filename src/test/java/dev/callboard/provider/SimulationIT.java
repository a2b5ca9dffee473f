package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.Fault;
import dev.callboard.testkit.PostgresqlServer;
import dev.callboard.testkit.SimulatedCreatify;
import dev.callboard.testkit.SimulatedFotor;
import dev.callboard.testkit.SimulatedProvider;
import dev.callboard.testkit.SimulatedTask;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The packaged application ends with what the providers have, whatever goes wrong in between: a third of the last
 * callbacks is lost, others come late, twice or in the wrong order, the providers' APIs fail, the database is away,
 * Callboard is killed. No callback that was not answered 200 is sent again, except the first of a task. {@code
 * callboard.seed} repeats the choices, not the times.
 */
@Timeout(300)
final class SimulationIT {
    private static final Logger LOG = LoggerFactory.getLogger(SimulationIT.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    /** All of it takes some three minutes; otherwise a small part of it runs. */
    private static final boolean FULL = Boolean.getBoolean("callboard.simulation.full");

    private static final int TASKS = FULL ? 3000 : 300;
    private static final int SENDERS = 24;
    private static final int BATCH = 100;
    private static final int SHOWN = 5;
    private static final Duration LOOKUP_AFTER = Duration.ofSeconds(2);
    private static final Duration SETTLED_WITHIN = Duration.ofSeconds(60);

    /** What a killed node was handing over is sent by the other once its lease has expired. */
    private static final Duration MAILED_WITHIN = Duration.ofMinutes(3);

    /** The metrics are counted every ten seconds. */
    private static final Duration COUNTED_AGAIN = Duration.ofSeconds(11);

    /** All tasks begin within this time. */
    private static final int BEGIN_MS = 8_000;

    private static final List<String> FOTOR_TYPES = List.of("videoEnhancer", "avatar");
    private static final List<String> FAMILIES =
            List.of("product_to_videos", "lipsyncs", "text_to_speech", "asset_generator", "iab_images", "aurora");

    private static final Map<String, Fault> FAULTS = Map.of(
            "500",
            Fault.error(500),
            "429",
            Fault.tooManyRequests(Duration.ofSeconds(1)),
            "broken JSON",
            Fault.brokenJson(),
            "reset",
            Fault.reset());

    /** What Callboard runs on. */
    enum Setup {
        H2(1),
        POSTGRESQL(1),
        TWO_NODES_ON_POSTGRESQL(2);

        private final int nodes;

        Setup(int nodes) {
            this.nodes = nodes;
        }
    }

    static Stream<Setup> setups() {
        return FULL ? Stream.of(Setup.values()) : Stream.of(Setup.H2);
    }

    /** What happens to the last callback of a task. */
    private enum Delivery {
        LOST,
        PROMPT,
        LATE,
        TWICE,
        BEFORE_AN_OLDER_ONE
    }

    /** A task, and whether its last callback was sent, and answered 200. */
    private static final class Life {
        final SimulatedProvider provider;
        final String id;
        final String path;
        final boolean fails;
        final Delivery delivery;
        volatile boolean sent;
        volatile boolean accepted;

        Life(SimulatedProvider provider, SimulatedTask task, String path, boolean fails, Delivery delivery) {
            this.provider = provider;
            this.id = task.id();
            this.path = path;
            this.fails = fails;
            this.delivery = delivery;
        }
    }

    /** A time in which requests may be repeated sooner, since what came of them may not have been noted. */
    private record Disturbance(long from, long to) {}

    private final long seed = Long.getLong("callboard.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final SimulatedFotor fotor = new SimulatedFotor();
    private final SimulatedCreatify creatify = new SimulatedCreatify();
    private final List<CallboardProcess> nodes = new ArrayList<>();
    private final List<Life> lives = new ArrayList<>();
    private final CountDownLatch toEnd = new CountDownLatch(TASKS);
    private final Map<String, Integer> answers = new ConcurrentHashMap<>();
    private final Set<String> faultsSeen = ConcurrentHashMap.newKeySet();
    private final Set<String> throttled = ConcurrentHashMap.newKeySet();
    private long overSince = Long.MAX_VALUE;
    private final List<Disturbance> disturbances = new ArrayList<>();
    private final ScheduledExecutorService senders = Executors.newScheduledThreadPool(SENDERS);
    /** One for each thread and port. */
    private final Map<String, Caller> callers = new ConcurrentHashMap<>();

    @TempDir
    Path folder;

    @ParameterizedTest
    @MethodSource("setups")
    void endsWithWhatTheProvidersHave(Setup setup) throws Exception {
        long begin = System.nanoTime();
        LOG.info("{}: seed {}", setup, seed);
        try (PostgresqlServer server = setup == Setup.H2 ? null : new PostgresqlServer(folder.resolve("postgresql"))) {
            Map<String, String> database = server == null ? Backend.H2.newDatabase(folder) : server.newDatabase();
            startNodes(setup, database);
            try {
                run(server, database);
            } finally {
                senders.shutdownNow();
                nodes.forEach(CallboardProcess::close);
            }
            try (Connection connection = connect(database)) {
                List<String> differences = new ArrayList<>(compare(connection));
                differences.addAll(tooOften());
                LOG.info("{}: {}", setup, numbers(begin));
                assertThat(differences).as("seed " + seed).isEmpty();
            }
        } finally {
            fotor.close();
            creatify.close();
        }
    }

    private void startNodes(Setup setup, Map<String, String> database) {
        Map<String, String> settings = new LinkedHashMap<>(database);
        settings.put("callboard.mail.directory", mails().toString());
        settings.put("callboard.alerts.interval", "1s");
        settings.put("callboard.alerts.kind.missed.to", "none");
        settings.put("callboard.fotor.api-url", fotor.url());
        settings.put("callboard.fotor.api-key", SimulatedFotor.KEY);
        settings.put("callboard.creatify.api-url", creatify.url());
        settings.put("callboard.creatify.api-id", SimulatedCreatify.API_ID);
        settings.put("callboard.creatify.api-key", SimulatedCreatify.API_KEY);
        for (String provider : List.of("fotor", "creatify")) {
            settings.put("callboard." + provider + ".lookup-after", LOOKUP_AFTER.toSeconds() + "s");
            settings.put("callboard." + provider + ".lookups-per-second", "1000");
        }
        for (int i = 0; i < setup.nodes; i++) {
            CallboardProcess node = new CallboardProcess(folder.resolve("node-" + i), settings);
            nodes.add(node);
            node.start();
        }
    }

    private Path mails() {
        return folder.resolve("mails");
    }

    private static Connection connect(Map<String, String> database) throws SQLException {
        return DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.getOrDefault("callboard.database.user", "sa"),
                database.getOrDefault("callboard.database.password", ""));
    }

    // ---- what happens ----

    private void run(PostgresqlServer server, Map<String, String> database) throws Exception {
        for (int i = 0; i < TASKS; i++) {
            Life life = newLife(i);
            lives.add(life);
            int lasts = 1_000 + random.nextInt(3_000);
            int node = random.nextInt(nodes.size());
            int other = random.nextInt(nodes.size());
            after(random.nextInt(BEGIN_MS), () -> begin(life, node, other, lasts));
        }
        Thread faults = new Thread(this::disturbProviders, "faults");
        faults.start();
        Thread.sleep(3_000);
        takeDatabaseAway(server);
        Thread.sleep(2_000);
        killANode(server, database);
        boolean ended = toEnd.await(SETTLED_WITHIN.toSeconds(), TimeUnit.SECONDS);
        faults.join();
        fotor.behave();
        creatify.behave();
        assertThat(ended)
                .as("%d tasks have not ended at their provider (seed %d)", toEnd.getCount(), seed)
                .isTrue();
        // What is missing after that is seen in the tables.
        waitFor(SETTLED_WITHIN, this::areTasksOver);
        waitFor(MAILED_WITHIN, this::isMailed);
    }

    private Life newLife(int number) {
        boolean atFotor = random.nextBoolean();
        SimulatedProvider provider = atFotor ? fotor : creatify;
        List<String> types = atFotor ? FOTOR_TYPES : FAMILIES;
        String type = types.get(random.nextInt(types.size()));
        String path = atFotor ? "fotor" : type.equals("product_to_videos") ? "creatify" : "creatify?family=" + type;
        Delivery delivery =
                switch (random.nextInt(9)) {
                    case 0, 1, 2 -> Delivery.LOST;
                    case 3 -> Delivery.LATE;
                    case 4 -> Delivery.TWICE;
                    case 5 -> Delivery.BEFORE_AN_OLDER_ONE;
                    default -> Delivery.PROMPT;
                };
        return new Life(provider, provider.start(type), path, number % 10 == 0, delivery);
    }

    private void begin(Life life, int node, int other, int lasts) {
        if (post(life, node, life.provider.callback(life.id))) {
            after(lasts, () -> end(life, other));
        } else {
            // Nothing else tells Callboard that there is such a task.
            after(1_000, () -> begin(life, nodes.size() - 1 - node, other, lasts));
        }
    }

    private void end(Life life, int node) {
        life.provider.progress(life.id);
        // Not a duplicate of the first callback, even where that says the same.
        String older = life.provider.callback(life.id) + "\n";
        String[] urls = urls(life);
        if (!life.fails) {
            life.provider.complete(life.id, urls);
        } else if (life.provider == fotor && life.id.charAt(0) < '8') {
            fotor.refuse(life.id);
        } else {
            life.provider.fail(life.id, "no credits for " + life.id);
        }
        String last = life.provider.callback(life.id);
        switch (life.delivery) {
            case LOST -> toEnd.countDown();
            case PROMPT -> sendLast(life, node, last);
            case LATE -> after(4_000, () -> sendLast(life, node, last));
            case TWICE -> {
                sendLast(life, node, last);
                if (life.accepted) {
                    after(500, () -> post(life, nodes.size() - 1 - node, last));
                }
            }
            case BEFORE_AN_OLDER_ONE -> {
                sendLast(life, node, last);
                post(life, nodes.size() - 1 - node, older);
            }
        }
    }

    private void sendLast(Life life, int node, String body) {
        life.sent = true;
        life.accepted = post(life, node, body);
        toEnd.countDown();
    }

    private static String[] urls(Life life) {
        String base = "https://files.example.com/" + life.id;
        return switch (life.provider.task(life.id).type()) {
            case "product_to_videos" -> new String[] {base + ".png", base + ".mp4"};
            case "avatar", "asset_generator", "iab_images" -> new String[] {base + "-1.png", base + "-2.png"};
            case "text_to_speech" -> new String[] {base + ".mp3"};
            default -> new String[] {base + ".mp4"};
        };
    }

    private void after(int millis, Runnable work) {
        var unused = senders.schedule(
                () -> {
                    try {
                        work.run();
                    } catch (RuntimeException e) {
                        LOG.error("the simulation failed", e);
                    }
                },
                millis,
                TimeUnit.MILLISECONDS);
    }

    /** Whether it was answered 200. */
    private boolean post(Life life, int node, String body) {
        int port = nodes.get(node).port;
        String answer;
        try {
            answer = String.valueOf(
                    callers.computeIfAbsent(Thread.currentThread().getName() + " " + port, key -> new Caller(port))
                            .post(life.path, body));
        } catch (IOException e) {
            answer = "none";
        }
        answers.merge(answer, 1, Integer::sum);
        return answer.equals("200");
    }

    /** Each fault lasts until both providers have answered with it, or for some seconds, and then until both answer well. */
    private void disturbProviders() {
        FAULTS.forEach((name, fault) -> {
            waitForRequests();
            for (SimulatedProvider provider : List.of(fotor, creatify)) {
                provider.misbehave(exchange -> {
                    faultsSeen.add(name + (provider == fotor ? " fotor" : " creatify"));
                    if (name.equals("429")) {
                        throttled.addAll(exchange.taskIds());
                    }
                    fault.answer(exchange);
                });
            }
            waitFor(
                    Duration.ofSeconds(8),
                    () -> faultsSeen.contains(name + " fotor") && faultsSeen.contains(name + " creatify"));
            fotor.behave();
            creatify.behave();
        });
    }

    private void waitForRequests() {
        int before = fotor.requests().total();
        int beforeAtCreatify = creatify.requests().total();
        waitFor(
                Duration.ofSeconds(5),
                () -> fotor.requests().total() > before && creatify.requests().total() > beforeAtCreatify);
    }

    private void takeDatabaseAway(PostgresqlServer server) throws InterruptedException {
        long from = System.nanoTime();
        if (server != null) {
            server.kill();
            Thread.sleep(1_500);
            server.startAgain();
        } else if (nodes.get(0).setDiskFull(true)) {
            Thread.sleep(1_500);
            nodes.get(0).setDiskFull(false);
        } else {
            LOG.info("this system has no prlimit: the disk was not full");
        }
        disturbances.add(new Disturbance(from, System.nanoTime() + TimeUnit.SECONDS.toNanos(5)));
    }

    private void killANode(PostgresqlServer server, Map<String, String> database) throws Exception {
        waitForRequests();
        long from = System.nanoTime();
        nodes.get(0).kill();
        List<String> leases = server == null ? List.of() : leases(database);
        Thread.sleep(500);
        nodes.get(0).start();
        endLeases(database, leases);
        disturbances.add(new Disturbance(from, System.nanoTime() + TimeUnit.SECONDS.toNanos(3)));
    }

    private static List<String> leases(Map<String, String> database) throws SQLException {
        try (Connection connection = connect(database)) {
            return texts(
                    connection, "SELECT DISTINCT CAST(lease_id AS TEXT) FROM open_task WHERE lease_id IS NOT NULL");
        }
    }

    /** As if the leases of the killed node had expired: they are the ones that are still there. */
    private static void endLeases(Map<String, String> database, List<String> leases) throws SQLException {
        if (!leases.isEmpty()) {
            try (Connection connection = connect(database);
                    PreparedStatement update = connection.prepareStatement(
                            "UPDATE open_task SET leased_until = CURRENT_TIMESTAMP WHERE CAST(lease_id AS TEXT) = ANY(?)")) {
                update.setArray(1, connection.createArrayOf("text", leases.toArray()));
                LOG.info("{} tasks were leased by the killed node", update.executeUpdate());
            }
        }
    }

    // ---- the end ----

    /** No task is in progress, but for those of {@link CallboardProcess#start}, and no alert waits. */
    private boolean areTasksOver() {
        try {
            JsonNode tasks = JSON.readTree(get(nodes.get(0).managementPort, "/tasks?outcome=in_progress&limit=10"));
            boolean over = tasks.isArray();
            for (JsonNode task : tasks) {
                over &= task.path("taskId").asText().startsWith("first-");
            }
            if (!over) {
                overSince = Long.MAX_VALUE;
                return false;
            }
        } catch (IOException e) {
            return false;
        }
        overSince = Math.min(overSince, System.nanoTime());
        return System.nanoTime() - overSince > COUNTED_AGAIN.toNanos();
    }

    private boolean isMailed() {
        return get(nodes.get(0).managementPort, "/observe/metrics").contains("\ncallboard_alerts_pending 0.0\n");
    }

    private static String get(int port, String path) {
        return TestCallboard.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .build())
                .body();
    }

    private static boolean waitFor(Duration time, BooleanSupplier condition) {
        long end = System.nanoTime() + time.toNanos();
        try {
            while (!condition.getAsBoolean()) {
                if (System.nanoTime() > end) {
                    return false;
                }
                Thread.sleep(50);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** How the tables and the mails differ from what the providers have; of each difference the first few. */
    private List<String> compare(Connection connection) throws SQLException, IOException {
        Map<String, List<String>> tasks =
                rows(connection, "SELECT task_id, outcome, COALESCE(failure_reason, '') FROM task");
        Map<String, List<String>> urls = rows(connection, "SELECT task_id, url FROM result");
        Map<String, List<String>> alerts =
                rows(connection, "SELECT task_id, kind FROM alert WHERE task_id IS NOT NULL");
        Map<String, List<String>> mailed = rows(
                connection,
                "SELECT alert.task_id, mail.mail_id FROM alert JOIN mail ON mail.mail_id = alert.mail_id"
                        + " WHERE alert.kind = 'failed' AND mail.state = 'sent'");
        Set<String> open = new TreeSet<>(texts(connection, "SELECT task_id FROM open_task"));
        Set<String> sentIds = messageIds();
        Map<String, List<String>> differences = new TreeMap<>();
        for (Life life : lives) {
            SimulatedTask task = life.provider.task(life.id);
            String outcome = life.fails ? "failed" : "completed";
            List<String> stands = tasks.getOrDefault(life.id, List.of("missing", ""));
            check(differences, "outcome", life, stands.get(0).equals(outcome));
            check(differences, "failure reason", life, isReason(life, task, stands.get(1)));
            check(
                    differences,
                    "results",
                    life,
                    Set.copyOf(urls.getOrDefault(life.id, List.of())).equals(Set.copyOf(task.urls())));
            check(differences, "still open", life, !open.contains(life.id));
            List<String> kinds = new ArrayList<>(alerts.getOrDefault(life.id, List.of()));
            boolean missed = kinds.remove("missed");
            check(differences, "missed not raised", life, missed || life.sent);
            check(differences, "alerts", life, kinds.equals(life.fails ? List.of("failed") : List.of()));
            if (life.fails) {
                List<String> mail = mailed.getOrDefault(life.id, List.of());
                check(differences, "not mailed", life, mail.size() == 1 && sentIds.contains(mail.get(0)));
            }
        }
        List<String> all = new ArrayList<>();
        differences.forEach(
                (what, ids) -> all.add(what + " " + ids.size() + ": " + ids.subList(0, Math.min(SHOWN, ids.size()))));
        Set<String> unrecorded = new TreeSet<>(sentIds);
        unrecorded.removeAll(texts(connection, "SELECT mail_id FROM mail"));
        if (!unrecorded.isEmpty()) {
            all.add("mails that are not recorded: " + unrecorded);
        }
        return all;
    }

    private static void check(Map<String, List<String>> differences, String what, Life life, boolean holds) {
        if (!holds) {
            differences.computeIfAbsent(what, key -> new ArrayList<>()).add(life.id + " (" + life.delivery + ")");
        }
    }

    /** Fotor gives a reason only when it is asked. */
    private static boolean isReason(Life life, SimulatedTask task, String reason) {
        if (!life.fails) {
            return reason.isEmpty();
        }
        String expected = task.flagged() ? "refused for content" : task.reason();
        boolean mayBeEmpty = life.path.equals("fotor") && life.sent;
        return reason.equals(expected) || (mayBeEmpty && reason.isEmpty());
    }

    private Set<String> messageIds() throws IOException {
        Set<String> ids = new TreeSet<>();
        try (Stream<Path> files = Files.list(mails())) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".eml")).toList()) {
                try (Stream<String> lines = Files.lines(file)) {
                    lines.filter(line -> line.startsWith("Message-ID: "))
                            .findFirst()
                            .ifPresent(line -> ids.add(
                                    line.substring("Message-ID: ".length()).strip()));
                }
            }
        }
        return ids;
    }

    /** The first column of each row, with all that follows it in its rows. */
    private static Map<String, List<String>> rows(Connection connection, String sql) throws SQLException {
        Map<String, List<String>> rows = new HashMap<>();
        try (PreparedStatement select = connection.prepareStatement(sql);
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                List<String> values = rows.computeIfAbsent(row.getString(1), key -> new ArrayList<>());
                for (int i = 2; i <= row.getMetaData().getColumnCount(); i++) {
                    values.add(row.getString(i));
                }
            }
        }
        return rows;
    }

    private static List<String> texts(Connection connection, String sql) throws SQLException {
        return new ArrayList<>(rows(connection, sql).keySet());
    }

    /** Tasks that were looked up twice in less time than there has to be between two look-ups, as by both nodes at once. */
    private List<String> tooOften() {
        long least = LOOKUP_AFTER.minusMillis(200).toNanos();
        List<String> ids = new ArrayList<>();
        Map<String, List<Long>> allTimes = new HashMap<>(fotor.requests().timesByTask());
        allTimes.putAll(creatify.requests().timesByTask());
        for (Life life : lives) {
            List<Long> times = allTimes.getOrDefault(life.id, List.of());
            for (int i = 1; i < times.size(); i++) {
                long before = times.get(i - 1);
                long now = times.get(i);
                boolean disturbed = throttled.contains(life.id)
                        || disturbances.stream().anyMatch(each -> before < each.to() && now > each.from());
                if (now - before < least && !disturbed) {
                    ids.add(life.id + " after " + (now - before) / 1_000_000 + " ms");
                }
            }
        }
        List<String> differences = new ArrayList<>();
        if (!ids.isEmpty()) {
            differences.add(
                    "looked up too soon again " + ids.size() + ": " + ids.subList(0, Math.min(SHOWN, ids.size())));
        }
        return differences;
    }

    private String numbers(long begin) {
        Map<String, Long> unheard = lives.stream()
                .filter(life -> !life.accepted)
                .collect(Collectors.groupingBy(
                        life -> life.provider == fotor
                                ? "fotor"
                                : life.provider.task(life.id).type(),
                        Collectors.counting()));
        long atFotor = unheard.getOrDefault("fotor", 0L);
        long atCreatify = unheard.values().stream().mapToLong(Long::longValue).sum() - atFotor;
        long requests = unheard.entrySet().stream()
                .filter(entry -> !entry.getKey().equals("fotor"))
                .mapToLong(entry -> (entry.getValue() + BATCH - 1) / BATCH)
                .sum();
        Map<String, Integer> byTask = new HashMap<>(fotor.requests().byTask());
        byTask.putAll(creatify.requests().byTask());
        return String.format(
                "%d tasks, %d failed; answers %s; faults %s; look-ups of tasks at Fotor %d (at least %d), at Creatify %d (at least %d) in"
                        + " %d requests (at least %d), at most %d of a task; %d s (seed %d)",
                lives.size(),
                lives.stream().filter(life -> life.fails).count(),
                new TreeMap<>(answers),
                new TreeSet<>(faultsSeen),
                lookups(fotor),
                atFotor,
                lookups(creatify),
                atCreatify,
                creatify.requests().total(),
                requests,
                lives.stream()
                        .mapToInt(life -> byTask.getOrDefault(life.id, 0))
                        .max()
                        .orElse(0),
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin),
                seed);
    }

    private long lookups(SimulatedProvider provider) {
        Map<String, Integer> byTask = provider.requests().byTask();
        return lives.stream().mapToInt(life -> byTask.getOrDefault(life.id, 0)).sum();
    }
}
