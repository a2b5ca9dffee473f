package dev.callboard.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** What one start of a case has measured. For use by one thread. */
final class Sample {
    private final Map<Figure, Double> figures = new EnumMap<>(Figure.class);
    private final List<String> checks = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private boolean matches = true;

    Sample set(Figure figure, double value) {
        figures.put(figure, value);
        return this;
    }

    /** The rows of a table beside the answers that they follow from. */
    Sample check(String name, long answers, long rows) {
        matches &= answers == rows;
        checks.add(name + " " + answers + (answers == rows ? " = " : " IS NOT ") + rows);
        return this;
    }

    Sample note(String text) {
        notes.add(text);
        return this;
    }

    OptionalDouble get(Figure figure) {
        Double value = figures.get(figure);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    boolean isChecked() {
        return !checks.isEmpty();
    }

    boolean matches() {
        return matches;
    }

    String checks() {
        return String.join(", ", checks);
    }

    String notes() {
        return String.join(", ", notes);
    }
}
