package dev.callboard.lookup;

import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A place in a list: the key of the row that a page begins after. Callers are to take it as opaque, and can send any
 * other text instead, so each part is checked as it is read. Immutable.
 */
public final class Cursor {
    /** No key has it. */
    private static final String SEPARATOR = "\0";

    private static final HexFormat HEX = HexFormat.of();

    private final List<String> parts;

    private Cursor(List<String> parts) {
        this.parts = parts;
    }

    /**
     * The key of a row.
     *
     * @param key texts without U+0000, instants, numbers, UUIDs and bytes
     */
    public static Cursor of(Object... key) {
        return new Cursor(Arrays.stream(key)
                .map(part -> part instanceof byte[] bytes ? HEX.formatHex(bytes) : String.valueOf(part))
                .toList());
    }

    /** As the value of a query parameter, without characters that a URL would have to escape. */
    public String encode() {
        String text = parts.stream().collect(Collectors.joining(SEPARATOR));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    static Optional<Cursor> decode(String encoded) {
        try {
            String text = LookupRequest.decode(Base64.getUrlDecoder().decode(encoded));
            return Optional.of(new Cursor(List.of(text.split(SEPARATOR, -1))));
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return Optional.empty();
        }
    }

    /**
     * A part of the key. There is one such method for each type.
     *
     * @throws InvalidParametersException if the cursor has no such part, or if it is of another type
     */
    public String text(int index) throws InvalidParametersException {
        return part(index, Function.identity());
    }

    public Instant time(int index) throws InvalidParametersException {
        Instant time = part(index, Instant::parse);
        if (!Parameter.isStorable(time)) {
            throw new InvalidParametersException(Parameter.CURSOR);
        }
        return time;
    }

    /** A cursor that is a part of this one, encoded. */
    Cursor nested(int index) throws InvalidParametersException {
        return decode(text(index)).orElseThrow(() -> new InvalidParametersException(Parameter.CURSOR));
    }

    public Long number(int index) throws InvalidParametersException {
        return part(index, Long::valueOf);
    }

    public UUID uuid(int index) throws InvalidParametersException {
        return part(index, UUID::fromString);
    }

    public byte[] bytes(int index) throws InvalidParametersException {
        return part(index, HEX::parseHex);
    }

    private <T> T part(int index, Function<String, T> read) throws InvalidParametersException {
        try {
            return read.apply(parts.get(index));
        } catch (IllegalArgumentException | IndexOutOfBoundsException | DateTimeException e) {
            throw new InvalidParametersException(Parameter.CURSOR);
        }
    }
}
