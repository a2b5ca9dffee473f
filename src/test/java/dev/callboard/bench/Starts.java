package dev.callboard.bench;

import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * How long it takes from the start of the process to the first 200, and which processor time: of {@code callboard.jar} with
 * the options that the README recommends, and of {@code bin/callboard}, by turns, each on H2. For {@code mvn -Pbench verify
 * -Dbench.main=dev.callboard.bench.Starts}; {@code bench.starts} says how often.
 */
public final class Starts {
    private Starts() {}

    /** One kind of start, with its times in milliseconds. */
    private record Kind(String name, CallboardProcess process, List<Long> elapsed, List<Long> processor) {
        Kind(String name, CallboardProcess process) {
            this(name, process, new ArrayList<>(), new ArrayList<>());
        }

        void start() {
            elapsed.add(process.start());
            processor.add(process.processorMs());
            process.close();
        }

        void print() {
            System.out.printf(
                    "%s: first 200 after %d ms (median of %s); processor time %d ms (median of %s)%n",
                    name, median(elapsed), elapsed, median(processor), processor);
        }

        private static long median(List<Long> values) {
            List<Long> sorted = new ArrayList<>(values);
            Collections.sort(sorted);
            return (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
        }
    }

    public static void main(String[] args) throws Exception {
        Path folder = TestCallboard.newFolder();
        Path program = unpack(folder);
        List<Kind> kinds = List.of(
                new Kind("callboard.jar", new CallboardProcess(folder.resolve("jar"), Map.of())),
                new Kind(
                        "bin/callboard",
                        CallboardProcess.ofArchive(folder.resolve("archive"), program, Map.of(), Map.of())));
        // The first start of the archive writes the classes that later ones share.
        kinds.forEach(Kind::start);
        kinds.forEach(kind -> {
            kind.elapsed().clear();
            kind.processor().clear();
        });
        for (int i = 0; i < Integer.getInteger("bench.starts", 10); i++) {
            kinds.forEach(Kind::start);
        }
        kinds.forEach(Kind::print);
    }

    private static Path unpack(Path folder) throws IOException, InterruptedException {
        Path archive;
        try (Stream<Path> files = Files.list(Path.of("target"))) {
            archive = files.filter(file -> file.toString().endsWith(".tar.gz"))
                    .findFirst()
                    .orElseThrow()
                    .toAbsolutePath();
        }
        new ProcessBuilder("tar", "xzf", archive.toString())
                .directory(folder.toFile())
                .start()
                .waitFor();
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isDirectory).findFirst().orElseThrow().resolve("bin/callboard");
        }
    }
}
