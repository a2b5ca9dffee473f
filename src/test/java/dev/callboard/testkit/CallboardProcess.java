package dev.callboard.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** The packaged {@code target/callboard.jar} as a process of its own, with a folder, ports and settings of its own. */
public final class CallboardProcess implements AutoCloseable {
    /** The JVM options that the README recommends. */
    public static final List<String> OPTIONS = List.of("-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    private static final long START_SECONDS = 60;

    public final int port;
    public final int managementPort;
    private final Path folder;
    private final List<String> command;
    private final Map<String, String> settings;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private Process process;

    /** A process that is not started yet, with the arguments of {@code java}. */
    public CallboardProcess(Path folder, Map<String, String> settings, List<String> javaArguments) {
        try {
            this.folder = Files.createDirectories(folder);
            this.port = TestCallboard.freePort();
            this.managementPort = TestCallboard.freePort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.settings = new LinkedHashMap<>(settings);
        this.settings.put("callboard.trial", "true");
        this.settings.put("callboard.http.port", String.valueOf(port));
        this.settings.put("callboard.management.port", String.valueOf(managementPort));
        this.settings.putIfAbsent(
                "callboard.routes", "file:" + Path.of("routes").toAbsolutePath() + "/*.camel.yaml");
        this.command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(javaArguments);
    }

    /**
     * The unpacked archive, not started yet, with what {@code bin/callboard} sets.
     *
     * @param folder the current folder of the process
     * @param program the path of {@code bin/callboard}
     * @param environment beside that of the settings
     */
    public static CallboardProcess ofArchive(
            Path folder, Path program, Map<String, String> settings, Map<String, String> environment) {
        Map<String, String> all = new LinkedHashMap<>(settings);
        all.put("callboard.routes", "file:routes/*.camel.yaml");
        CallboardProcess process = new CallboardProcess(folder, all, List.of());
        process.command.clear();
        process.command.add(program.toString());
        process.environment.putAll(environment);
        return process;
    }

    /** The packaged application with the recommended options, not started yet. */
    public CallboardProcess(Path folder, Map<String, String> settings) {
        this(folder, settings, packaged(OPTIONS));
    }

    public static List<String> packaged(List<String> javaOptions) {
        List<String> arguments = new ArrayList<>(javaOptions);
        arguments.add("-jar");
        arguments.add(Path.of("target/callboard.jar").toAbsolutePath().toString());
        return arguments;
    }

    /** Starts it; returns once it has answered a callback, after how many milliseconds. */
    public long start() {
        long begin = System.nanoTime();
        launch();
        String body = "{\"taskId\":\"first-" + System.nanoTime() + "\",\"status\":0}";
        try (Caller caller = new Caller(port)) {
            await(begin, () -> answers(caller, body));
        }
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    }

    /** Starts it; returns once it says that it is ready. Sends it no request, which could be answered 503 before. */
    public void startUntilReady() {
        long before = timesReady();
        long begin = System.nanoTime();
        launch();
        await(begin, () -> timesReady() > before);
    }

    private void await(long begin, BooleanSupplier started) {
        try {
            while (!started.getAsBoolean()) {
                long waited = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
                if (!process.isAlive() || waited > START_SECONDS) {
                    throw new IllegalStateException("Callboard did not start" + whatItSaid());
                }
                Thread.sleep(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private long timesReady() {
        try (Stream<String> lines = Files.exists(log()) ? Files.lines(log()) : Stream.empty()) {
            return lines.filter(line -> line.contains(" is ready after ")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it, and does not wait until it accepts callbacks. */
    public void launch() {
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
        settings.forEach((key, value) -> builder.environment().put(variable(key), value));
        builder.environment().putAll(environment);
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean answers(Caller caller, String body) {
        try {
            return caller.post("fotor", body) == 200;
        } catch (IOException e) {
            return false;
        }
    }

    private static String variable(String key) {
        return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    public Path log() {
        return folder.resolve("callboard.log");
    }

    /** The end of its log, for the message of a failed test, since the folder is deleted with it. */
    private String whatItSaid() {
        try {
            List<String> lines = Files.readAllLines(log());
            String end = String.join("\n", lines.subList(Math.max(0, lines.size() - 50), lines.size()));
            return (process.isAlive() ? "" : " (exit code " + process.exitValue() + ")") + "; the end of its log:\n"
                    + end;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its program with the arguments. */
    public String commandLine() {
        return process.info().commandLine().orElseThrow();
    }

    /** The settings and variables with which it is started, as environment variables. */
    public Map<String, String> variables() {
        Map<String, String> variables = new LinkedHashMap<>();
        settings.forEach((key, value) -> variables.put(variable(key), value));
        variables.putAll(environment);
        return variables;
    }

    /** Its peak resident memory so far, in MB. */
    public long residentMegabytes() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException("the system does not tell");
    }

    /** The processor time that it has used so far, in milliseconds. */
    public long processorMs() {
        return process.info().totalCpuDuration().orElseThrow().toMillis();
    }

    /** Sends it a signal, such as {@code TERM}. */
    public void signal(String name) {
        try {
            new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Lets each write of the process fail beyond the first bytes of a file, as on a full disk, or ends that. Linux only.
     *
     * @return whether the system can do so
     */
    public boolean setDiskFull(boolean full) {
        try {
            return new ProcessBuilder(
                                    "prlimit",
                                    "--pid=" + process.pid(),
                                    "--fsize=" + (full ? "1024" : "unlimited") + ":")
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The exit code, once it has ended by itself or after a signal. */
    public int exitCode() {
        await();
        return process.exitValue();
    }

    /** Kills it with SIGKILL; it has ended when this returns. */
    public void kill() {
        process.destroyForcibly();
        await();
    }

    /** Stops it with SIGTERM, as a user does; it has ended when this returns. */
    @Override
    public void close() {
        if (process != null && process.isAlive()) {
            process.destroy();
            await();
        }
    }

    private void await() {
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException("Callboard did not end within a minute" + whatItSaid());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
