package dev.callboard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.Callboard;
import dev.callboard.settings.Settings;
import jakarta.mail.Session;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.camel.Route;
import org.awaitility.Awaitility;

/**
 * Callboard as a user starts it, but on free ports, with a new folder and a new database. Unless the settings say otherwise,
 * loopback may call and mails become files.
 */
public final class TestCallboard implements AutoCloseable {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    public final Path folder;
    public final int port;
    public final int managementPort;
    private final Map<String, String> settings;
    private static final int FIRST_PORT = 12_000;
    private static final int PORTS = 18_000;
    private static final AtomicInteger NEXT_PORT =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS));

    private final Clock clock;
    private final Set<String> mailsBefore = new HashSet<>();
    private Callboard callboard;

    private TestCallboard(Path folder, Map<String, String> settings, Clock clock) {
        this.folder = folder;
        this.settings = settings;
        this.clock = clock;
        this.port = Integer.parseInt(settings.get("callboard.http.port"));
        this.managementPort = Integer.parseInt(settings.get("callboard.management.port"));
        startAgain();
    }

    public static TestCallboard start(Backend backend) {
        return start(backend, Map.of());
    }

    public static TestCallboard start(Backend backend, Map<String, String> settings) {
        return start(backend, settings, Clock.systemUTC());
    }

    public static TestCallboard start(Backend backend, Map<String, String> settings, Clock clock) {
        try {
            Path folder = newFolder();
            Map<String, String> all = new LinkedHashMap<>(backend.newDatabase(folder));
            all.put("callboard.trial", "true");
            all.put("callboard.http.port", String.valueOf(freePort()));
            all.put("callboard.management.port", String.valueOf(freePort()));
            all.put("callboard.mail.directory", folder.resolve("data/mail").toString());
            // Short, since tests wait for the next mail about the same provider and kind.
            all.put("callboard.alerts.interval", "1s");
            all.putAll(settings);
            return new TestCallboard(folder, all, clock);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An empty folder that {@code mvn clean} removes. */
    public static Path newFolder() throws IOException {
        return Files.createTempDirectory(Path.of("target").toAbsolutePath(), "callboard");
    }

    /**
     * A port that nothing listens on. It is below those that the system gives to outgoing connections, so that none of the
     * many connections of the tests takes it before the server does.
     */
    public static int freePort() throws IOException {
        for (int attempt = 0; ; attempt++) {
            int port = FIRST_PORT + Math.floorMod(NEXT_PORT.getAndIncrement(), PORTS);
            try (ServerSocket socket = new ServerSocket(port)) {
                return socket.getLocalPort();
            } catch (BindException e) {
                if (attempt == PORTS) {
                    throw e;
                }
            }
        }
    }

    /** Copies the routes of this project and edits one file; returns the value of {@code callboard.routes} for the copy. */
    public static String editedRoutes(String route, UnaryOperator<String> edit) {
        try (Stream<Path> files = Files.list(Path.of("routes"))) {
            Path folder = Files.createTempDirectory("routes");
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
            Path edited = folder.resolve(route + ".camel.yaml");
            String before = Files.readString(edited);
            String after = edit.apply(before);
            assertThat(after).isNotEqualTo(before);
            Files.writeString(edited, after);
            return "file:" + folder + "/*.camel.yaml";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it again on the same database, after {@link #stop()}. */
    public void startAgain() {
        Properties properties = new Properties();
        properties.putAll(settings);
        callboard = Callboard.start(Settings.read(Path.of("no-file"), Map.of(), properties), clock);
    }

    public Callboard callboard() {
        return callboard;
    }

    /** Runs a route that a timer runs, without waiting for the timer. */
    public void run(String routeId) {
        Route route = callboard.camel().getRoute(routeId);
        try {
            route.getProcessor().process(route.getEndpoint().createExchange());
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** The clock that it was started with. */
    public Clock clock() {
        return clock;
    }

    /** The text of {@code src/test/resources/callbacks/<name>.json}. */
    public static String payload(String name) {
        try (InputStream in = TestCallboard.class.getResourceAsStream("/callbacks/" + name + ".json")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public HttpResponse<String> post(String provider, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url("/callbacks/" + provider))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(request.build());
    }

    public URI url(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    public static HttpResponse<String> send(HttpRequest request) {
        try {
            return CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public HttpResponse<String> manage(String path) {
        return send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + managementPort + path))
                .build());
    }

    /** The value of a metric, with its labels as they are written; 0 if there is none. */
    public double metric(String name) {
        String begin = name + " ";
        return manage("/observe/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(begin))
                .mapToDouble(line -> Double.parseDouble(line.substring(begin.length())))
                .sum();
    }

    /** The response to {@code GET /tasks/...}. */
    public JsonNode task(String provider, String taskId) {
        try {
            return JSON.readTree(manage("/tasks/" + provider + "/" + taskId).body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The settings of its database, for another that is started on it after this one is stopped. */
    public Map<String, String> database() {
        Map<String, String> database = new LinkedHashMap<>(settings);
        database.keySet().removeIf(key -> !key.startsWith("callboard.database."));
        return database;
    }

    /** A connection to the database that is none of Callboard's. */
    public Connection connect() throws SQLException {
        return DriverManager.getConnection(
                settings.get("callboard.database.url"),
                settings.getOrDefault("callboard.database.user", "sa"),
                settings.getOrDefault("callboard.database.password", ""));
    }

    /** The rows of a query, each a map of lower-case column names. */
    public List<Map<String, Object>> rows(String sql, Object... parameters) {
        try (Connection connection = callboard.dataSource().getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            List<Map<String, Object>> rows = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    Map<String, Object> columns = new LinkedHashMap<>();
                    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                        columns.put(row.getMetaData().getColumnLabel(i), row.getObject(i));
                    }
                    rows.add(columns);
                }
            }
            return rows;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * The number of rows in the tables of callbacks, by table; a rejected callback changes none of them. Without the tasks
     * that the provider is asked about because of one.
     */
    public Map<String, Object> kept() {
        return rows("SELECT (SELECT COUNT(*) FROM task WHERE outcome <> 'expected') AS task, (SELECT COUNT(*) FROM callback) AS callback,"
                        + " (SELECT COUNT(*) FROM result) AS result,"
                        + " (SELECT COUNT(*) FROM alert WHERE task_id IS NOT NULL) AS alert")
                .get(0);
    }

    /** The alerts of a task, oldest first. */
    public List<Map<String, Object>> alerts(String taskId) {
        return rows("SELECT * FROM alert WHERE task_id = ? ORDER BY created_at", taskId);
    }

    public int count(String table) {
        return rows("SELECT 1 FROM " + table).size();
    }

    /**
     * Asserts that nothing is stored since the last {@link #forgetCallbacks()}, except the daily mail about rejected
     * callers.
     */
    public void assertNothingKept() {
        for (String table : List.of("callback", "task", "result", "quarantine", "open_task")) {
            assertThat(count(table)).describedAs("rows in %s", table).isZero();
        }
        assertThat(rows("SELECT kind FROM alert WHERE kind <> 'refused'")).isEmpty();
        assertThat(mails().stream().filter(mail -> !mailsBefore.contains(TestMails.subject(mail))))
                .allSatisfy(mail -> assertThat(TestMails.subject(mail)).contains("callers rejected"));
    }

    public Optional<MimeMessage> mailNamed(String part) {
        return mails().stream()
                .filter(mail -> TestMails.subject(mail).contains(part))
                .findFirst();
    }

    /** Deletes all tasks, and ignores the mails so far in {@link #assertNothingKept()}. */
    public void forgetCallbacks() {
        mails().forEach(mail -> mailsBefore.add(TestMails.subject(mail)));
        try (Connection connection = callboard.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            for (String table : List.of("alert", "result", "callback", "open_task", "task")) {
                statement.executeUpdate("DELETE FROM " + table);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The mails in the mail directory, oldest first. */
    public List<MimeMessage> mails() {
        Path directory = Path.of(settings.get("callboard.mail.directory"));
        if (!Files.exists(directory)) {
            return List.of();
        }
        List<MimeMessage> mails = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".eml"))
                    .sorted()
                    .toList()) {
                try (InputStream in = Files.newInputStream(file)) {
                    mails.add(new MimeMessage(Session.getInstance(new Properties()), in));
                }
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return mails;
    }

    /** Waits for a mail that names a task, and returns the first. */
    public MimeMessage mailOf(String taskId) {
        return Awaitility.await()
                .atMost(Duration.ofSeconds(40))
                .until(
                        () -> mails().stream()
                                .filter(mail -> TestMails.text(mail).contains(taskId))
                                .findFirst(),
                        Optional::isPresent)
                .orElseThrow();
    }

    /** Stops it for a test that starts it again. */
    public void stop() {
        callboard.close();
    }

    @Override
    public void close() {
        stop();
    }
}
