package dev.callboard.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the name that somebody who misspelled one has meant. */
public final class Similar {
    private Similar() {}

    /**
     * The candidate that is nearest to a name; empty if none has at most one edit for each four characters (a character
     * that is added, left out or replaced, or two neighbours that are exchanged), and three in all. Of several, the first.
     */
    public static Optional<String> nearest(String name, Collection<String> candidates) {
        int max = Math.min(3, Math.max(1, name.length() / 4));
        return candidates.stream()
                .filter(candidate -> Math.abs(candidate.length() - name.length()) <= max)
                .filter(candidate -> edits(name, candidate) <= max)
                .min(Comparator.comparingInt(candidate -> edits(name, candidate)));
    }

    /** The edit distance of Damerau and Levenshtein, in its form of optimal string alignment. */
    private static int edits(String a, String b) {
        int[][] edits = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    edits[i][j] = i + j;
                    continue;
                }
                int replace = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                edits[i][j] = Math.min(edits[i - 1][j - 1] + replace, 1 + Math.min(edits[i - 1][j], edits[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    edits[i][j] = Math.min(edits[i][j], edits[i - 2][j - 2] + 1);
                }
            }
        }
        return edits[a.length()][b.length()];
    }
}
