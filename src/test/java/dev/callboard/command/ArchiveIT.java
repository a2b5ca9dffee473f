package dev.callboard.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.callboard.Version;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.Caller;
import dev.callboard.testkit.StoredRows;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The archive as a user has it: unpacked into a new folder, and used by {@code bin/callboard} alone. */
@Timeout(300)
final class ArchiveIT {
    private static final String NAME = "callboard-" + Version.current();
    private static final Path TARGET = Path.of("target").toAbsolutePath();
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)");

    private Path folder;
    private Path app;

    @BeforeEach
    void unpack() throws Exception {
        folder = Files.createDirectory(TestCallboard.newFolder().resolve("a folder"));
        run(folder, Map.of(), "tar", "xzf", TARGET.resolve(NAME + ".tar.gz").toString());
        app = folder.resolve(NAME);
    }

    @Test
    void hasWhatAUserNeeds() throws Exception {
        assertThat(names(app))
                .contains("bin", "lib", "routes", "docs", "application.properties", "LICENSE", "README.md");
        assertThat(names(app.resolve("lib"))).contains("callboard.jar").containsAll(names(TARGET.resolve("lib")));
        assertThat(names(app.resolve("routes"))).isEqualTo(names(Path.of("routes")));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(app.resolve("bin/callboard"))))
                .isEqualTo("rwxr-xr-x");
        assertThat(app.resolve("LICENSE")).hasSameTextualContentAs(Path.of("LICENSE"));
    }

    /** {@code mvn --offline} does not make the list. */
    @Test
    void listsTheLibraries() throws IOException {
        Path list = app.resolve("bom.json");
        assumeThat(list).exists();
        String components = Files.readString(list);
        for (String jar : names(TARGET.resolve("lib"))) {
            String name = jar.replaceFirst("-\\d.*", "");
            assertThat(components).as(jar).contains("\"name\" : \"" + name + "\"");
        }
        assertThat(components).doesNotContain("\"name\" : \"assertj-core\"");
    }

    @Test
    void hasTheSameFilesInBothArchives() throws Exception {
        String tar = run(
                folder, Map.of(), "tar", "tzf", TARGET.resolve(NAME + ".tar.gz").toString());
        String zip =
                run(folder, Map.of(), "jar", "tf", TARGET.resolve(NAME + ".zip").toString());
        assertThat(files(tar)).isEqualTo(files(zip)).contains(NAME + "/bin/callboard");
    }

    private static List<String> files(String listing) {
        return listing.lines().filter(name -> !name.endsWith("/")).sorted().toList();
    }

    @Test
    void hasNoLinkToAFileThatIsNotInIt() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(app.resolve("README.md")));
        try (Stream<Path> docs = Files.walk(app.resolve("docs"))) {
            docs.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
        }
        assertThat(pages).hasSizeGreaterThan(5);
        for (Path page : pages) {
            Matcher link = LINK.matcher(Files.readString(page));
            while (link.find()) {
                assertThat(page.resolveSibling(link.group(1)))
                        .as(page + ": " + link.group())
                        .exists();
            }
        }
    }

    @Test
    void checksStartsBacksUpAndStops() throws Exception {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path link = Files.createSymbolicLink(elsewhere.resolve("cb"), Path.of("../" + NAME + "/bin/callboard"));
        Path linkToLink = Files.createSymbolicLink(elsewhere.resolve("cb2"), link);
        CallboardProcess callboard = CallboardProcess.ofArchive(elsewhere, linkToLink, Map.of(), Map.of());
        Map<String, String> variables = callboard.variables();

        assertThat(run(elsewhere, variables, link.toString(), "--version")).isEqualTo("callboard " + Version.current());
        assertThat(run(elsewhere, variables, link.toString(), "check").lines())
                .hasSize(7)
                .allMatch(line -> line.startsWith("ok "));
        assertThat(app.resolve("data")).doesNotExist();

        callboard.startUntilReady();
        try (Caller caller = new Caller(callboard.port)) {
            assertThat(caller.post("fotor", "{\"taskId\": \"1\", \"status\": 0}"))
                    .isEqualTo(200);
        }
        assertThat(callboard.commandLine())
                .contains(" -Xmx160m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ", "-XX:ArchiveClassesAtExit=");
        assertThat(run(elsewhere, variables, link.toString(), "check"))
                .contains("which runs", "another process has open");
        assertThat(run(elsewhere, variables, link.toString(), "backup", "b.zip"))
                .startsWith("The backup is ");
        callboard.signal("TERM");
        assertThat(callboard.exitCode()).isEqualTo(143);
        assertThat(Files.readString(callboard.log())).doesNotContain("[warning]", "[error]", "WARN", "ERROR");

        Path home = Files.createDirectory(folder.resolve("home"));
        run(
                folder,
                Map.of(),
                "cp",
                "-r",
                app.resolve("routes").toString(),
                app.resolve("application.properties").toString(),
                home.toString());
        Map<String, String> atHome = new LinkedHashMap<>(variables);
        atHome.put("CALLBOARD_HOME", home.toString());
        assertThat(run(elsewhere, atHome, link.toString(), "restore", "b.zip"))
                .startsWith("The database is restored to " + home);
        Map<String, List<String>> rows = StoredRows.of(database(home));
        assertThat(rows).isEqualTo(StoredRows.of(database(app)));
        assertThat(rows.get("callback")).hasSize(1);
        assertThat(run(home, variables, link.toString(), "check")).contains(home + "/application.properties");
    }

    @Test
    void mapsTheClassesOfAnEarlierRunAndIgnoresAForeignFile() throws Exception {
        Path program = app.resolve("bin/callboard");
        CallboardProcess callboard = CallboardProcess.ofArchive(folder, program, Map.of(), Map.of());
        // A start that fails has loaded few classes; the file of such a run is not used.
        CallboardProcess failing =
                CallboardProcess.ofArchive(folder, program, Map.of("callboard.fotor.token", "short"), Map.of());
        failing.launch();
        assertThat(failing.exitCode()).isEqualTo(1);

        callboard.startUntilReady();
        assertThat(callboard.commandLine()).contains("-XX:ArchiveClassesAtExit=");
        callboard.close();
        Path classes = classes();
        callboard.startUntilReady();
        assertThat(callboard.commandLine()).contains("-XX:SharedArchiveFile=data/" + classes.getFileName());
        callboard.close();

        run(folder, Map.of(), "chmod", "u+w", classes.toString());
        byte[] content = Files.readAllBytes(classes);
        Files.write(classes, changed(content));
        callboard.startUntilReady();
        assertThat(callboard.commandLine()).contains("-XX:SharedArchiveFile=data/");
        callboard.close();

        for (byte[] useless : List.of(Arrays.copyOf(content, content.length / 2), new byte[content.length])) {
            Files.write(classes, useless);
            callboard.startUntilReady();
            assertThat(callboard.commandLine()).contains("-XX:ArchiveClassesAtExit=");
            callboard.close();
            run(folder, Map.of(), "chmod", "u+w", classes.toString());
        }
        callboard.startUntilReady();
        assertThat(callboard.commandLine()).contains("-XX:SharedArchiveFile=data/");
        callboard.close();
        assertThat(Files.readString(callboard.log())).doesNotContain("[warning]", "[error]", "WARN");
    }

    private Path classes() throws IOException {
        try (Stream<Path> files = Files.list(app.resolve("data"))) {
            return files.filter(file -> file.toString().endsWith(".jsa"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** As of another JVM, whose identity is in the header. */
    private static byte[] changed(byte[] content) {
        byte[] changed = content.clone();
        for (int i = 100; i < 600; i++) {
            changed[i] ^= 1;
        }
        return changed;
    }

    @Test
    void takesTheOptionsOfTheUser() throws Exception {
        CallboardProcess callboard = CallboardProcess.ofArchive(
                folder,
                app.resolve("bin/callboard"),
                Map.of(),
                Map.of("CALLBOARD_JAVA_OPTIONS", "-Xmx200m -Xshare:auto -Dname=*"));
        callboard.start();
        assertThat(callboard.commandLine())
                .contains("java -Xmx200m -Xshare:auto -Dname=* dev.callboard.command.CommandLine");
        try (Caller caller = new Caller(callboard.port)) {
            assertThat(caller.post("fotor", "{\"taskId\": \"2\", \"status\": 0}"))
                    .isEqualTo(200);
        }
        callboard.close();
    }

    @Test
    void saysWhatIsWrong() throws Exception {
        String program = app.resolve("bin/callboard").toString();
        assertFails(Map.of("JAVA_HOME", "/no/such"), 1, "JAVA_HOME=/no/such has no bin/java;", program, "check");
        Path old = Files.createDirectories(folder.resolve("old/bin")).resolve("java");
        Files.writeString(old, "#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n");
        assertThat(old.toFile().setExecutable(true)).isTrue();
        assertFails(
                Map.of("JAVA_HOME", folder.resolve("old").toString()),
                1,
                "is Java 11, but Callboard needs 17",
                program);
        assertFails(Map.of("CALLBOARD_HOME", "/no/such"), 1, "CALLBOARD_HOME=/no/such is no folder", program);
        assertFails(
                Map.of("CALLBOARD_FOTOR_TOKEN", "short"),
                1,
                "FAILED  settings  callboard.fotor.token: ",
                program,
                "check");
        assertFails(Map.of(), 2, "there is no command start; see callboard help", program, "start");
        assertFails(Map.of(), 2, "backup takes one argument", program, "backup");
        assertFails(Map.of(), 2, "export needs --to", program, "export");
        assertFails(Map.of(), 1, "nothing answers at http://127.0.0.1:", program, "backup", "x.zip");
        assertThat(run(folder, Map.of(), program, "help")).contains("callboard test-mail");
    }

    @Test
    void isAShellScriptWithoutMistakes() throws Exception {
        run(folder, Map.of(), "sh", "-n", app.resolve("bin/callboard").toString());
        boolean hasShellCheck = Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(path -> Files.isExecutable(Path.of(path, "shellcheck")));
        if (hasShellCheck) {
            run(folder, Map.of(), "shellcheck", app.resolve("bin/callboard").toString());
        }
    }

    private void assertFails(Map<String, String> variables, int exitCode, String why, String... command)
            throws Exception {
        Map<String, String> all = new LinkedHashMap<>(variables);
        all.put("CALLBOARD_MANAGEMENT_PORT", String.valueOf(TestCallboard.freePort()));
        Process process = process(folder, all, command);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isEqualTo(exitCode);
        assertThat(output).contains(why).hasLineCount(1);
    }

    private static String run(Path folder, Map<String, String> variables, String... command) throws Exception {
        Process process = process(folder, variables, command);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output.strip();
    }

    private static Process process(Path folder, Map<String, String> variables, String... command) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("CALLBOARD_"));
        builder.environment().putAll(variables);
        return builder.start();
    }

    private static Map<String, String> database(Path home) {
        return Map.of(
                "callboard.database.url",
                Settings.Database.DEFAULT_URL.replace(
                        "./data", home.resolve("data").toString()));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
