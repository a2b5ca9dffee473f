package dev.callboard.bench;

import dev.callboard.bench.Cases.Case;
import dev.callboard.bench.Cases.JavaOptions;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.PostgresqlServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Measures the throughput, the processor time and the latency of Callboard on this machine, beside those of its parts and
 * of another version: one table from one run ({@code mvn -Pbench verify}). Each case is started several times, in rounds
 * of all cases, so that a slow minute of the machine does not hit one case alone. Asserts nothing, but prints whether the
 * tables hold what was acknowledged. The callers, PostgreSQL and Callboard share the processors of the machine.
 */
final class Benchmark {
    private static final int STARTS = Integer.getInteger("bench.starts", 3);
    private static final List<String> CASES =
            List.of(System.getProperty("bench.cases", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16")
                    .split(",", -1));

    private Benchmark() {}

    public static void main(String[] args) throws Exception {
        Path folder = Files.createTempDirectory("callboard-benchmark");
        try {
            Table table = measure(folder);
            System.out.println();
            System.out.println("Median of " + STARTS + " starts (least..greatest); " + Cases.load()
                    + "; us: processor time a request, in microseconds; group: callbacks a commit");
            table.print();
        } finally {
            Servers.delete(folder);
        }
        System.exit(0);
    }

    private static Table measure(Path folder) throws Exception {
        Table table = new Table();
        try (PostgresqlServer server = new PostgresqlServer(folder.resolve("postgresql"))) {
            Cases cases = new Cases(folder, server);
            List<Case> wanted = new ArrayList<>(cases.all());
            wanted.removeIf(one -> !CASES.contains(String.valueOf(one.number())));
            for (int round = 1; round <= STARTS; round++) {
                boolean first = true;
                for (JavaOptions java : javaOptions()) {
                    for (Case one : wanted) {
                        if (first || !one.oncePerRound()) {
                            Sample sample = cases.measure(one, java);
                            table.add(words(java), one.name(), sample);
                            System.out.println("round " + round + ": " + Table.progress(one.name(), sample));
                        }
                    }
                    first = false;
                }
                // What the machine does meanwhile then hits the first and the last alike.
                Collections.reverse(wanted);
            }
        }
        return table;
    }

    /** From {@code bench.java-options} and {@code bench.warm-up-seconds}, each with {@code ;} between several. */
    private static List<JavaOptions> javaOptions() {
        String[] options = System.getProperty("bench.java-options", String.join(" ", CallboardProcess.OPTIONS))
                .split(";", -1);
        String[] warmUps = System.getProperty("bench.warm-up-seconds", "12").split(";", -1);
        List<JavaOptions> all = new ArrayList<>();
        for (int i = 0; i < options.length; i++) {
            String warmUp = warmUps[Math.min(i, warmUps.length - 1)];
            all.add(new JavaOptions(List.of(options[i].strip().split(" +", -1)), Integer.parseInt(warmUp.strip())));
        }
        return all;
    }

    private static String words(JavaOptions java) {
        return "java " + String.join(" ", java.options()) + ", after " + java.warmUpSeconds() + " s of warm-up";
    }
}
