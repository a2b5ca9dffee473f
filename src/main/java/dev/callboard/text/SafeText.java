package dev.callboard.text;

import java.util.Locale;

/** Cleans texts that callers sent, for tables, mails and logs. */
public final class SafeText {
    private SafeText() {}

    /**
     * A text that both databases store: U+0000 and lone surrogates become U+FFFD, and it is cut to a length without
     * splitting a surrogate pair.
     *
     * @param maxLength in UTF-16 units
     */
    public static String storable(String text, int maxLength) {
        String cut = cut(text, maxLength);
        // Read several times faster than with charAt, which checks each index.
        char[] chars = new char[cut.length()];
        cut.getChars(0, chars.length, chars, 0);
        for (char c : chars) {
            if (c == 0 || Character.isSurrogate(c)) {
                return replaceUnstorable(cut);
            }
        }
        return cut;
    }

    /**
     * A field of a body or of a route as a text that both databases store; null if it is absent, blank, or neither text nor
     * number nor Boolean.
     *
     * @param maxLength in UTF-16 units
     */
    public static String field(Object value, int maxLength) {
        if (value instanceof CharSequence || value instanceof Number || value instanceof Boolean) {
            String text = storable(value.toString(), maxLength);
            return text.isBlank() ? null : text;
        }
        return null;
    }

    private static String replaceUnstorable(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) ? 0xFFFD : c)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }

    /**
     * A text on one line for people: control and format characters (line breaks, direction marks, zero-width characters)
     * and runs of white space become one space, and a text that is too long ends with an ellipsis.
     *
     * @param maxLength in UTF-16 units
     */
    public static String line(String text, int maxLength) {
        StringBuilder clean = new StringBuilder();
        text.codePoints().map(c -> isInvisible(c) ? ' ' : c).forEach(clean::appendCodePoint);
        String folded = clean.toString().replaceAll("\\s+", " ").strip();
        return folded.length() <= maxLength ? folded : cut(folded, maxLength - 1) + "…";
    }

    private static boolean isInvisible(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE ->
                true;
            // U+200D joins emoji; the other format characters can only mislead a reader.
            case Character.FORMAT -> c != 0x200D;
            default -> false;
        };
    }

    private static String cut(String text, int maxLength) {
        if (text.length() <= maxLength) {
            return text;
        }
        return text.substring(0, Character.isHighSurrogate(text.charAt(maxLength - 1)) ? maxLength - 1 : maxLength);
    }

    /** A provider's name as people write it, with a capital letter: {@code Fotor}. Empty if the name is. */
    public static String capitalized(String name) {
        return name.isEmpty() ? "" : name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    }
}
