package busyhour.node;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AbstractTokenizerFactory;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.index.analysis.PreConfiguredTokenizer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/**
 * The three analysis components that the mappings of the {@code .security} indices name.
 *
 * <p>Their module, analysis-common, is not published; without them no user, role or API key could be stored.
 */
public final class SecurityIndexAnalysisPlugin extends Plugin implements AnalysisPlugin {
    private static final String EMAIL_TOKENIZER = "uax_url_email";
    private static final String PATTERN_CAPTURE = "pattern_capture";
    private static final String UNIQUE = "unique";

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of(
            PATTERN_CAPTURE, new PatternCaptureProvider(),
            UNIQUE, (index, environment, name, settings) -> new AbstractTokenFilterFactory(name, settings) {
                @Override
                public TokenStream create(TokenStream tokens) {
                    return new RemoveDuplicatesTokenFilter(tokens);
                }
            });
    }

    @Override
    public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
        return List.of(PreConfiguredTokenFilter.singleton(UNIQUE, false, RemoveDuplicatesTokenFilter::new));
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of(EMAIL_TOKENIZER, (index, environment, name, settings) ->
            new AbstractTokenizerFactory(index, settings, name) {
                @Override
                public Tokenizer create() {
                    return new UAX29URLEmailTokenizer();
                }
            });
    }

    @Override
    public List<PreConfiguredTokenizer> getPreConfiguredTokenizers() {
        return List.of(PreConfiguredTokenizer.singleton(EMAIL_TOKENIZER, UAX29URLEmailTokenizer::new));
    }

    /** Says that it needs settings, so that Elasticsearch does not try to build one without patterns. */
    private static final class PatternCaptureProvider implements AnalysisProvider<TokenFilterFactory> {
        @Override
        public TokenFilterFactory get(IndexSettings index, Environment environment, String name, Settings settings) {
            Pattern[] patterns = settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
            boolean keepOriginal = settings.getAsBoolean("preserve_original", true);
            return new AbstractTokenFilterFactory(name, settings) {
                @Override
                public TokenStream create(TokenStream tokens) {
                    return new PatternCaptureGroupTokenFilter(tokens, keepOriginal, patterns);
                }
            };
        }

        @Override
        public boolean requiresAnalysisSettings() {
            return true;
        }
    }
}
