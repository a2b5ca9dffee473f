package dev.callboard.text;

/** Texts of callers made fit for tables, mails and logs. */
public final class SafeText {
    private SafeText() {}

    /**
     * A text that both databases take: U+0000 and lone surrogates replaced by U+FFFD, at most so many characters (never
     * half of a pair).
     */
    public static String storable(String text, int most) {
        String cut = cut(text, most);
        for (int i = 0; i < cut.length(); i++) {
            char c = cut.charAt(i);
            if (c == 0 || Character.isSurrogate(c)) {
                return replaceUnstorable(cut);
            }
        }
        return cut;
    }

    private static String replaceUnstorable(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) ? 0xFFFD : c)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }

    /**
     * A text on one line for people: control and format characters (line breaks, direction marks, zero-width ones)
     * become spaces, runs of space one, and what is too long is cut with an ellipsis.
     */
    public static String line(String text, int most) {
        StringBuilder clean = new StringBuilder();
        text.codePoints().map(c -> isInvisible(c) ? ' ' : c).forEach(clean::appendCodePoint);
        String folded = clean.toString().replaceAll("\\s+", " ").strip();
        return folded.length() <= most ? folded : cut(folded, most - 1) + "…";
    }

    private static boolean isInvisible(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE ->
                true;
            // U+200D joins emoji; the other format characters only deceive.
            case Character.FORMAT -> c != 0x200D;
            default -> false;
        };
    }

    private static String cut(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        return text.substring(0, Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most);
    }
}
