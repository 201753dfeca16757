// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Kind;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Spelling;
import io.sluice.config.text.Text;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Reads manifests: YAML (several documents) or JSON (several values), Lists included. Never throws
 * for what is in them; each fault is a problem of its document, and leaves the others alone.
 */
public final class ManifestParser {
  private static final String LIST = "List";

  private final Limits limits;

  public ManifestParser(Limits limits) {
    this.limits = limits;
  }

  /**
   * Reads one file.
   *
   * @param file its name, for messages; one that ends in {@code .json} is read as JSON
   * @return what is in it, in order; a document that is empty, or is for others, has no entry
   *     unless there is something to say about it
   */
  public List<ParsedDocument> parse(String file, byte[] content) {
    List<ParsedDocument> documents = new ArrayList<>();
    parse(file, content, documents::add);
    return documents;
  }

  /** As {@link #parse(String, byte[])}, for those who need not have all documents at once. */
  public void parse(String file, byte[] content, Consumer<ParsedDocument> documents) {
    if (content.length > limits.fileBytes()) {
      documents.accept(broken(file, 0, "is larger than " + limits.fileBytes() + " bytes"));
      return;
    }
    CharBuffer text = CharBuffer.allocate(content.length);
    ByteBuffer bytes = ByteBuffer.wrap(content);
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    CoderResult result = decoder.decode(bytes, text, true);
    if (result.isError()) {
      documents.accept(broken(file, lineAt(content, bytes.position()), "is not UTF-8"));
      return;
    }
    String decoded = text.flip().toString();
    if (decoded.startsWith("\ufeff")) {
      decoded = decoded.substring(1);
    }
    if (file.endsWith(".json")) {
      parseJson(file, decoded, documents);
    } else {
      for (YamlDocuments.Part part : YamlDocuments.split(decoded)) {
        parseYaml(file, part, documents);
      }
    }
  }

  /** As {@link #parse}, of JSON that has been decoded already, whatever the file's name. */
  public List<ParsedDocument> parseJson(String file, String text) {
    List<ParsedDocument> documents = new ArrayList<>();
    parseJson(file, text, documents::add);
    return documents;
  }

  private static int lineAt(byte[] content, int position) {
    int line = 1;
    for (int i = 0; i < position; i++) {
      if (content[i] == '\n') {
        line++;
      }
    }
    return line;
  }

  private void parseJson(String file, String text, Consumer<ParsedDocument> into) {
    List<Tree> trees = new ArrayList<>();
    try {
      JsonTrees.read(text, limits, trees);
      trees.forEach(tree -> bind(file, tree, into));
    } catch (TreeException e) {
      trees.forEach(tree -> bind(file, tree, into));
      into.accept(broken(file, e.line(), e.getMessage()));
    }
  }

  private void parseYaml(String file, YamlDocuments.Part part, Consumer<ParsedDocument> into) {
    List<Tree> trees = new ArrayList<>();
    try {
      YamlTrees.read(part.text(), part.line(), limits, trees);
      trees.forEach(tree -> bind(file, tree, into));
    } catch (TreeException e) {
      trees.forEach(tree -> bind(file, tree, into));
      into.accept(broken(file, e.line(), e.getMessage()));
    }
  }

  private static ParsedDocument broken(String file, int line, String reason) {
    Report report = new Report(file);
    report.error(line, "", reason);
    return ParsedDocument.without(report);
  }

  private void bind(String file, Tree tree, Consumer<ParsedDocument> into) {
    if (tree instanceof Tree.Scalar s && s.type() == Tree.Type.NULL) {
      return;
    }
    if (tree instanceof Tree.Mapping map) {
      bindMapping(file, map, into);
    } else {
      into.accept(broken(file, tree.line(), "is " + tree.what() + ", not a resource"));
    }
  }

  private void bindMapping(String file, Tree.Mapping map, Consumer<ParsedDocument> into) {
    Report report = new Report(file);
    Fields root = new Fields(map, "", report);
    String kind = root.required("kind");
    String apiVersion = root.required("apiVersion");
    if (report.refused()) {
      into.accept(ParsedDocument.without(report));
    } else if (kind.endsWith(LIST) && root.has("items")) {
      for (Tree item : root.items("items")) {
        bind(file, typed(item, kind, apiVersion), into);
      }
      if (report.refused()) {
        into.accept(ParsedDocument.without(report));
      }
    } else {
      into.accept(bindResource(file, map, root, report, kind, apiVersion));
    }
  }

  /** Items of a ServiceList need not say what they are. */
  private static Tree typed(Tree item, String listKind, String apiVersion) {
    String kind = listKind.substring(0, listKind.length() - LIST.length());
    if (kind.isEmpty() || !(item instanceof Tree.Mapping map) || map.fields().containsKey("kind")) {
      return item;
    }
    var fields = new java.util.LinkedHashMap<String, Tree>();
    fields.put("apiVersion", new Tree.Scalar(apiVersion, Tree.Type.TEXT, map.line()));
    fields.put("kind", new Tree.Scalar(kind, Tree.Type.TEXT, map.line()));
    fields.putAll(map.fields());
    return new Tree.Mapping(fields, map.line(), map.size() + 2);
  }

  private ParsedDocument bindResource(
      String file,
      Tree.Mapping map,
      Fields root,
      Report report,
      String kindName,
      String apiVersion) {
    Optional<Kind> kind = kind(root, kindName, apiVersion);
    if (kind.isEmpty()) {
      return report.refused() ? ParsedDocument.without(report) : ParsedDocument.foreign(report);
    }
    Optional<Fields> metaFields = root.map("metadata");
    if (metaFields.isEmpty()) {
      if (!root.has("metadata")) {
        root.error("metadata", "is missing");
      }
      return ParsedDocument.without(report);
    }
    Optional<ResourceKey> key = MetaBinder.key(kind.get(), metaFields.get());
    if (key.isEmpty()) {
      return ParsedDocument.without(report);
    }
    report.about(key.get());
    MetaBinder.Bound meta = MetaBinder.bind(key.get(), metaFields.get());
    Optional<? extends Resource> resource = Kinds.binder(kind.get()).apply(root, meta);
    if (resource.isPresent()) {
      root.finish();
    }
    if (report.refused() || resource.isEmpty()) {
      return report.refused() ? ParsedDocument.refused(report) : ParsedDocument.foreign(report);
    }
    return ParsedDocument.good(
        resource.get(), new Manifest(file, map.line(), JsonTrees.write(map)), report);
  }

  private static Optional<Kind> kind(Fields root, String name, String apiVersion) {
    Optional<Kind> kind = Kinds.find(name, apiVersion);
    if (kind.isPresent()) {
      return kind;
    }
    List<String> others = Kinds.apiVersions(name);
    if (Kinds.isPolicy(name, apiVersion)) {
      root.error("kind", name + " is not supported by this version: nothing would enforce it");
    } else if (Kinds.isStaged(name, apiVersion)) {
      root.ignored("kind", name + " is not enforced, by its nature: it has no effect");
    } else if (Kinds.isForeign(name, apiVersion)) {
      root.ignored(
          "kind", Text.quote(name) + " of " + Text.quote(apiVersion) + " is not for Sluice");
    } else if (!others.isEmpty()) {
      root.error(
          "apiVersion",
          Text.quote(apiVersion) + " has no " + name + ", write " + String.join(" or ", others));
    } else {
      String hint =
          Spelling.nearest(name, Kinds.names()).map(n -> ", did you mean " + n + "?").orElse("");
      root.error(
          "kind", Text.quote(name) + " of " + Text.quote(apiVersion) + " is not known" + hint);
    }
    return Optional.empty();
  }
}
