package dev.callboard;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.camel.Body;

/**
 * The bean {@code alertMail} of the route that sends mails: makes one mail of the alerts that a round has claimed, all
 * of one provider and kind. HTML with a plain text alternative; every value is on one line, cut and escaped, and no
 * header but the subject holds one. Safe for any number of threads.
 */
public final class AlertMail {
    private static final int MOST_SUBJECT = 120;
    private static final int MOST_VALUE = 200;
    private static final int MOST_REASON = 1000;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'").withZone(ZoneOffset.UTC);

    private final Template subject;
    private final Template html;
    private final Template text;
    private final InternetAddress from;
    private final InternetAddress[] to;
    private final Clock clock;

    AlertMail(Settings settings, Clock clock) {
        this.subject = template("subject.mustache", false);
        this.html = template("alert.html.mustache", true);
        this.text = template("alert.txt.mustache", false);
        this.from = addresses("callboard.alerts.from", settings)[0];
        this.to = addresses("callboard.alerts.to", settings);
        this.clock = clock;
    }

    private static Template template(String name, boolean escape) {
        try (Reader reader =
                new InputStreamReader(AlertMail.class.getResourceAsStream("/mail/" + name), StandardCharsets.UTF_8)) {
            return Mustache.compiler()
                    .escapeHTML(escape)
                    .defaultValue("")
                    .emptyStringIsFalse(true)
                    .compile(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InternetAddress[] addresses(String key, Settings settings) {
        try {
            InternetAddress[] addresses = InternetAddress.parse(settings.get(key), true);
            if (addresses.length > 0) {
                for (InternetAddress address : addresses) {
                    address.validate();
                }
                return addresses;
            }
        } catch (AddressException e) {
            throw StartException.of(key, "'" + settings.get(key) + "' is no mail address (" + e.getMessage() + ")");
        }
        throw StartException.of(key, "is empty");
    }

    /**
     * Makes the mail.
     *
     * @param alerts the rows of {@code select-claimed-alerts}, at least one, all of one provider, kind and mail_id
     */
    public MimeMessage compose(@Body List<Map<String, Object>> alerts) throws MessagingException {
        Map<String, Object> words = words(alerts);
        MimeMessage mail = new MimeMessage(Session.getInstance(new Properties()));
        mail.setFrom(from);
        mail.setRecipients(Message.RecipientType.TO, to);
        mail.setSubject(CleanText.line(subject.execute(words), MOST_SUBJECT), "UTF-8");
        mail.setSentDate(Date.from(clock.instant()));
        mail.setHeader("Auto-Submitted", "auto-generated");
        MimeBodyPart plain = new MimeBodyPart();
        plain.setText(text.execute(words), "UTF-8");
        MimeBodyPart rich = new MimeBodyPart();
        rich.setText(html.execute(words), "UTF-8", "html");
        mail.setContent(new MimeMultipart("alternative", plain, rich));
        mail.saveChanges();
        mail.setHeader("Message-ID", String.valueOf(alerts.get(0).get("mail_id")));
        return mail;
    }

    private static Map<String, Object> words(List<Map<String, Object>> alerts) {
        Map<String, Object> first = alerts.get(0);
        List<Map<String, Object>> tasks = new ArrayList<>();
        for (Map<String, Object> alert : alerts) {
            tasks.add(task(alert));
        }
        Map<String, Object> words = new HashMap<>();
        words.put(String.valueOf(first.get("kind")), true);
        words.put("provider", line(first.get("provider"), MOST_VALUE));
        words.put("tasks", tasks);
        words.put("first", tasks.get(0));
        words.put("count", alerts.size());
        words.put("single", alerts.size() == 1);
        return words;
    }

    private static Map<String, Object> task(Map<String, Object> alert) {
        Map<String, Object> task = new HashMap<>();
        for (String name : List.of("task_id", "task_type", "business_id", "status")) {
            task.put(name, line(alert.get(name), MOST_VALUE));
        }
        task.put("reason", line(alert.get("failure_reason"), MOST_REASON));
        task.put(
                "lines",
                (alert.get("detail") instanceof String detail ? detail : "")
                        .lines()
                        .map(line -> line(line, MOST_VALUE))
                        .filter(line -> !line.isEmpty())
                        .toList());
        Instant occurred = instant(alert.get("occurred_at"));
        task.put("when", TIME.format(occurred == null ? instant(alert.get("created_at")) : occurred));
        task.put("received_only", occurred == null);
        task.put(
                "also",
                Stream.of(line(alert.get("also"), MOST_VALUE).split(",", -1))
                        .filter(kind -> !kind.isEmpty())
                        .toList());
        return task;
    }

    private static String line(Object value, int most) {
        return value == null ? "" : CleanText.line(value.toString(), most);
    }

    /** The databases' drivers give times as different classes. */
    private static Instant instant(Object value) {
        if (value instanceof Timestamp time) {
            return time.toInstant();
        }
        return value instanceof OffsetDateTime time ? time.toInstant() : null;
    }
}
