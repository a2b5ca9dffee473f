package dev.callboard.bench;

import dev.callboard.Callboard;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.PostgresqlServer;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/** The processes that are measured, what the system and their metrics say of them, and their databases. */
final class Servers {
    /** The resolution of the processor times in /proc: Linux counts them in hundredths of a second. */
    private static final int TICK_MICROS = 10_000;

    private Servers() {}

    /** A packaged Callboard of the folder of a checkout: its jar, its libraries and its routes. Not started yet. */
    static CallboardProcess callboard(
            Path checkout, Path home, Map<String, String> settings, List<String> javaOptions) {
        Map<String, String> all = new HashMap<>(settings);
        all.putIfAbsent("callboard.routes", "file:" + checkout.resolve("routes").toAbsolutePath() + "/*.camel.yaml");
        List<String> arguments = new ArrayList<>(javaOptions);
        arguments.add("-jar");
        arguments.add(checkout.resolve("target/callboard.jar").toAbsolutePath().toString());
        return new CallboardProcess(home, all, arguments);
    }

    /** The packaged Callboard of this folder, with the classes of the tests on its class path. Not started yet. */
    static CallboardProcess callboardWithTests(Path home, Map<String, String> settings, List<String> javaOptions) {
        return program("target/callboard.jar:target/test-classes", Callboard.class, home, settings, javaOptions);
    }

    /** A main class of the tests. Not started yet. */
    static CallboardProcess program(Class<?> main, Path home, Map<String, String> settings, List<String> javaOptions) {
        return program(System.getProperty("java.class.path"), main, home, settings, javaOptions);
    }

    private static CallboardProcess program(
            String classPath, Class<?> main, Path home, Map<String, String> settings, List<String> javaOptions) {
        List<String> arguments = new ArrayList<>(javaOptions);
        String absolute =
                classPath.replaceAll("(^|:)target", "$1" + Path.of("target").toAbsolutePath());
        arguments.addAll(List.of("-cp", absolute, main.getName()));
        return new CallboardProcess(home, settings, arguments);
    }

    /**
     * The processor time that a PostgreSQL server has used so far, in microseconds: that of the first process, of its
     * children, and of the children that have ended.
     *
     * @param data the server's folder of data
     */
    static long postgresqlMicros(Path data) {
        try {
            long first = Long.parseLong(
                    Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
            List<Long> children = ProcessHandle.of(first)
                    .orElseThrow()
                    .children()
                    .map(ProcessHandle::pid)
                    .toList();
            long ticks = ticks(first, true);
            for (long child : children) {
                ticks += ticks(child, false);
            }
            return ticks * TICK_MICROS;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** User and system time of a process, from proc(5); 0 if it has ended. */
    private static long ticks(long pid, boolean withEndedChildren) throws IOException {
        Path file = Path.of("/proc/" + pid + "/stat");
        String text;
        try {
            text = Files.readString(file);
        } catch (IOException e) {
            if (Files.exists(file)) {
                throw e;
            }
            return 0;
        }
        // The name of the program, in parentheses, may contain spaces. The first field after it is the third.
        String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
        long ticks = 0;
        for (int field = 14; field <= (withEndedChildren ? 17 : 15); field++) {
            ticks += Long.parseLong(fields[field - 3]);
        }
        return ticks;
    }

    /** The metrics of a management port, each summed over its labels; none if nothing answers there. */
    static Map<String, Double> metrics(int managementPort) {
        Map<String, Double> metrics = new HashMap<>();
        try {
            String text = TestCallboard.send(HttpRequest.newBuilder(
                                    URI.create("http://127.0.0.1:" + managementPort + "/observe/metrics"))
                            .build())
                    .body();
            text.lines()
                    .filter(line -> line.matches("[a-z_]+(\\{.*})? [-+0-9.E]+"))
                    .forEach(line -> {
                        double value = Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
                        metrics.merge(line.split("[{ ]", 2)[0], value, Double::sum);
                    });
        } catch (UncheckedIOException e) {
            // A server of the comparison has no management port.
        }
        return metrics;
    }

    static Connection connect(Map<String, String> database) throws SQLException {
        return DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.getOrDefault("callboard.database.user", "sa"),
                database.getOrDefault("callboard.database.password", ""));
    }

    static boolean isPostgresql(Map<String, String> database) {
        return database.get("callboard.database.url").startsWith("jdbc:postgresql:");
    }

    static void execute(Map<String, String> database, String sql) throws SQLException {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first value of the first row. */
    static long number(Map<String, String> database, String sql) throws SQLException {
        try (Connection connection = connect(database);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    /** A new database with the content of another, which nobody uses. */
    static Map<String, String> copy(PostgresqlServer server, Map<String, String> original) throws SQLException {
        String name = "copy_" + UUID.randomUUID().toString().replace("-", "");
        execute(server.settings(), "CREATE DATABASE " + name + " TEMPLATE " + name(original) + " STRATEGY FILE_COPY");
        Map<String, String> copy = new HashMap<>(original);
        copy.computeIfPresent("callboard.database.url", (key, url) -> url.replace(name(original), name));
        return copy;
    }

    static void drop(PostgresqlServer server, Map<String, String> database) throws SQLException {
        execute(server.settings(), "DROP DATABASE " + name(database) + " WITH (FORCE)");
    }

    private static String name(Map<String, String> database) {
        String url = database.get("callboard.database.url");
        return url.substring(url.lastIndexOf('/') + 1);
    }

    /** How many mails a Callboard has written as files. */
    static long mails(Path home) throws IOException {
        Path mails = home.resolve("data/mail");
        if (!Files.exists(mails)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(mails)) {
            return files.count();
        }
    }

    /** Deletes a folder with all that is in it. */
    static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
