package dev.callboard.alert;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import com.samskivert.mustache.Template;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * The Mustache templates of the mails: subject, plain text and HTML. Each is the file of its name in {@code
 * callboard.mail.templates}, or else the built-in one. They are read once, at the start. Safe for any number of threads.
 */
final class MailTemplates {
    private static final String KEY = "callboard.mail.templates";

    private final Template subject;
    private final Template text;
    private final Template html;

    /** @throws StartException if the folder is missing, or a template is broken or has a word that no mail has */
    MailTemplates(Settings settings) {
        Path folder = settings.mail().templates().orElse(null);
        if (folder != null && !Files.isDirectory(folder)) {
            throw StartException.of(KEY, "there is no folder " + folder);
        }
        this.subject = template(folder, "subject.mustache", false);
        this.text = template(folder, "alert.txt.mustache", false);
        this.html = template(folder, "alert.html.mustache", true);
    }

    private static Template template(Path folder, String name, boolean escape) {
        Path file = folder == null ? null : folder.resolve(name);
        boolean own = file != null && Files.exists(file);
        try {
            Template template = Mustache.compiler()
                    .escapeHTML(escape)
                    .defaultValue("")
                    .emptyStringIsFalse(true)
                    .compile(own ? Files.readString(file) : builtIn(name));
            template.visit(new WordCheck());
            template.execute(Map.of());
            return template;
        } catch (IOException | MustacheException | UnsupportedOperationException e) {
            throw new StartException((own ? file : name) + ": is no mail template (" + e.getMessage() + ")", e);
        }
    }

    private static String builtIn(String name) {
        try (InputStream in = MailTemplates.class.getResourceAsStream("/mail/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String subject(Map<String, Object> words) {
        return subject.execute(words);
    }

    String text(Map<String, Object> words) {
        return text.execute(words);
    }

    String html(Map<String, Object> words) {
        return html.execute(words);
    }

    /** A word that no mail has would silently become nothing. */
    private static final class WordCheck implements Mustache.Visitor {
        /** The engine's own words for the place in a list. */
        private static final Set<String> OF_LISTS = Set.of("this", "-first", "-last", "-index");

        @Override
        public void visitText(String text) {}

        @Override
        public void visitVariable(String name) {
            check(name);
        }

        @Override
        public boolean visitInclude(String name) {
            throw new MustacheException("{{>" + name + "}}: templates can't include others");
        }

        @Override
        public boolean visitSection(String name) {
            check(name);
            return true;
        }

        @Override
        public boolean visitInvertedSection(String name) {
            check(name);
            return true;
        }

        private static void check(String name) {
            for (String word : name.equals(".") ? new String[0] : name.split("\\.", -1)) {
                if (!MailModel.ALL.contains(word) && !OF_LISTS.contains(word)) {
                    throw new MustacheException("there is no word " + name);
                }
            }
        }
    }
}
