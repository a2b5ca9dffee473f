package dev.callboard.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The samples of a run, printed as one part for each set of JVM options. A cell is the median of all starts, with the
 * least and the greatest value behind it. For use by one thread.
 */
final class Table {
    private static final String GAP = "  ";

    private final Map<String, Map<String, List<Sample>>> parts = new LinkedHashMap<>();

    void add(String part, String row, Sample sample) {
        parts.computeIfAbsent(part, any -> new LinkedHashMap<>())
                .computeIfAbsent(row, any -> new ArrayList<>())
                .add(sample);
    }

    void print() {
        parts.forEach((part, rows) -> {
            System.out.println();
            System.out.println(part);
            print(lines(rows));
        });
    }

    private static List<List<String>> lines(Map<String, List<Sample>> rows) {
        List<List<String>> lines = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of(""));
        for (Figure figure : Figure.values()) {
            head.add(figure.title);
        }
        head.add("rows = answers");
        lines.add(head);
        rows.forEach((row, samples) -> {
            List<String> line = new ArrayList<>(List.of(row));
            for (Figure figure : Figure.values()) {
                line.add(cell(figure, samples));
            }
            line.add(remarks(samples));
            lines.add(line);
        });
        return lines;
    }

    private static void print(List<List<String>> lines) {
        int last = lines.get(0).size() - 1;
        int[] widths = new int[last];
        for (List<String> line : lines) {
            for (int i = 0; i < last; i++) {
                widths[i] = Math.max(widths[i], line.get(i).length());
            }
        }
        for (List<String> line : lines) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < last; i++) {
                String space = " ".repeat(widths[i] - line.get(i).length());
                text.append(i == 0 ? line.get(i) + space : space + line.get(i)).append(GAP);
            }
            System.out.println(text.append(line.get(last)).toString().stripTrailing());
        }
    }

    /** {@code median (min..max)}, or the value alone if there is one, or nothing. */
    static String cell(Figure figure, List<Sample> samples) {
        double[] values = samples.stream()
                .flatMapToDouble(sample -> sample.get(figure).stream())
                .sorted()
                .toArray();
        if (values.length == 0) {
            return "";
        }
        String middle = number(figure, median(values));
        return values.length == 1
                ? middle
                : middle + " (" + number(figure, values[0]) + ".." + number(figure, values[values.length - 1]) + ")";
    }

    /** Of values in ascending order. */
    static double median(double[] sorted) {
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private static String number(Figure figure, double value) {
        return String.format(Locale.ROOT, "%." + figure.decimals + "f", value);
    }

    private static String remarks(List<Sample> samples) {
        List<String> remarks = new ArrayList<>();
        if (samples.stream().anyMatch(Sample::isChecked)) {
            remarks.add(
                    samples.stream().allMatch(Sample::matches)
                            ? "yes"
                            : samples.stream()
                                    .filter(sample -> !sample.matches())
                                    .map(Sample::checks)
                                    .collect(Collectors.joining("; ", "NO: ", "")));
        }
        samples.stream()
                .map(Sample::notes)
                .filter(notes -> !notes.isEmpty())
                .distinct()
                .forEach(remarks::add);
        return String.join("; ", remarks);
    }

    /** One sample on one line, for the progress of a run. */
    static String progress(String row, Sample sample) {
        StringBuilder line = new StringBuilder(row);
        for (Figure figure : Figure.values()) {
            String cell = cell(figure, List.of(sample));
            if (!cell.isEmpty()) {
                line.append(", ").append(figure.title).append(' ').append(cell);
            }
        }
        for (String text : List.of(sample.checks(), sample.notes())) {
            if (!text.isEmpty()) {
                line.append(", ").append(text);
            }
        }
        return line.toString();
    }
}
