package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.MultiMap;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/**
 * Random requests: every admitted client is in the allow list, and nothing but a rejection is thrown.
 * Runs for four seconds, or {@code -Dcallboard.fuzz.seconds}; {@code -Dcallboard.fuzz.seed} repeats a run.
 */
class ClientAddressFuzzTest {
    private static final String TOKEN = "t0ken-of_fotor.0123456789~abcdefgh";
    private static final List<String> SEEDS = List.of(
            "54.212.95.175",
            "44.236.127.35",
            "10.0.0.5",
            "10.0.0.6",
            "127.0.0.1",
            "::1",
            "2001:db8::7",
            "2001:db8:ff::1",
            "::ffff:54.212.95.175",
            "::ffff:10.0.0.5",
            "[2001:db8::7]:4711",
            "54.212.95.175:80",
            "unknown",
            "",
            "054.212.95.175",
            "0x36.212.95.175",
            "fe80::1%eth0",
            "\"54.212.95.175\"",
            "for=54.212.95.175",
            "٥٤.212.95.175",
            "54.212.95.175\u0000",
            "[54.212.95.175]",
            "0.0.0.0",
            "::",
            "255.255.255.255");
    private static final List<String> NAMES = List.of(
            "X-Forwarded-For",
            "x-forwarded-for",
            "X-FORWARDED-FOR",
            "Forwarded",
            "Via",
            "X-Real-IP",
            "X-Forwarded-Host",
            "X-Forwarded-For ",
            "Host");
    private static final List<String> GLUE = List.of(",", ", ", " ,", ",,", ";", " ", "\t,", "\n", ":", "%", "]");

    @Test
    void admitsNoClientOutsideTheAllowList() {
        Properties properties = new Properties();
        properties.putAll(Map.of(
                "callboard.trusted-proxies", "10.0.0.5, 127.0.0.1, 2001:db8:ff::/48", "callboard.fotor.token", TOKEN));
        Settings settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        SourceCheck check = new SourceCheck(
                settings, new Tokens(settings), new Rejections(Clock.systemUTC(), new SimpleMeterRegistry()));
        long seed = Long.getLong("callboard.fuzz.seed", System.nanoTime());
        System.out.println("-Dcallboard.fuzz.seed=" + seed);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        long end = System.nanoTime()
                + Duration.ofSeconds(Long.getLong("callboard.fuzz.seconds", 4)).toNanos();
        int admitted = 0;
        int rejected = 0;
        while (System.nanoTime() < end) {
            String peer = random.nextInt(4) == 0 ? text(random) : pick(random, SEEDS);
            MultiMap headers = MultiMap.caseInsensitiveMultiMap();
            for (int i = random.nextInt(4); i > 0; i--) {
                headers.add(pick(random, NAMES), list(random));
            }
            String query = random.nextInt(8) == 0 ? query(random) : "token=" + TOKEN;
            try {
                Client client = check.check("fotor", AddressRange.parseAddress(peer), headers, query);
                assertThat(settings.providers().get("fotor").allowedSources())
                        .describedAs("seed %s, peer %s, headers %s", seed, peer, headers)
                        .anyMatch(range -> range.contains(client.address()));
                assertThat(query).contains("=" + TOKEN);
                admitted++;
            } catch (CallerRejectedException e) {
                assertThat(e.client() + " " + e.getMessage())
                        .doesNotContain("\n", "\u0000", TOKEN)
                        .hasSizeLessThan(500);
                rejected++;
            }
        }
        assertThat(admitted).isPositive();
        assertThat(rejected).isPositive();
    }

    private static String pick(RandomGenerator random, List<String> from) {
        return from.get(random.nextInt(from.size()));
    }

    private static String list(RandomGenerator random) {
        StringBuilder list = new StringBuilder();
        for (int i = random.nextInt(5); i >= 0; i--) {
            list.append(random.nextInt(6) == 0 ? text(random) : pick(random, SEEDS));
            list.append(i > 0 ? pick(random, GLUE) : "");
        }
        return list.toString();
    }

    private static String query(RandomGenerator random) {
        return switch (random.nextInt(6)) {
            case 0 -> "token=" + TOKEN + "&token=" + TOKEN;
            case 1 -> "Token=" + TOKEN;
            case 2 -> "token=" + text(random);
            case 3 -> "a=b;token=" + TOKEN;
            case 4 -> "%zz&token=" + text(random);
            default -> "x=y&token=" + TOKEN;
        };
    }

    /** A seed with a few characters changed, or random characters. */
    private static String text(RandomGenerator random) {
        StringBuilder text = new StringBuilder(random.nextInt(3) == 0 ? "" : pick(random, SEEDS));
        for (int i = random.nextInt(6); i > 0; i--) {
            int at = random.nextInt(text.length() + 1);
            char c = (char)
                    (random.nextInt(10) == 0
                            ? random.nextInt(0x10000)
                            : ".:[]%,0123456789abcdefx/ ".charAt(random.nextInt(24)));
            if (at < text.length() && random.nextBoolean()) {
                text.setCharAt(at, c);
            } else {
                text.insert(at, c);
            }
        }
        return text.toString();
    }
}
