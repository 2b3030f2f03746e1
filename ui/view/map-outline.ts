// The identity map on a narrow screen: a list by namespace, each container in two lines.
import { type ComponentChild, h } from "preact";
import { type IdentityMap, isBlockedNode, type MapNode, worstFirst } from "../model/map.ts";
import { STATE_LOOKS, type StateCounts, totalOf, worstState } from "../model/state.ts";
import { codeTag, countOf, shown, stateBar } from "./dom.ts";
import { icon } from "./icon.ts";

/** What one line of the list is about. */
interface OutlineLine {
  readonly node: MapNode;
  readonly title: string;
  readonly state: string;
  readonly role?: MapNode | undefined;
  /** In place of the role. */
  readonly sub?: string | undefined;
}

/** The list. */
export function MapOutline({ map }: { readonly map: IdentityMap }): ComponentChild {
  const byId = new Map(map.nodes.map((node) => [node.id, node]));
  const children = Map.groupBy(map.edges, ({ from }) => from);
  const below = ({ id }: MapNode) =>
    (children.get(id) ?? []).flatMap((edge) => {
      const node = byId.get(edge.to);
      // A role has other holders too: below one of them, it has the state of that one.
      return node === undefined ? [] : [{ ...node, counts: edge.counts }];
    });
  const linesOf = (namespace: MapNode) =>
    below(namespace)
      .toSorted(worstFirst)
      .flatMap((node): readonly OutlineLine[] => {
        if (node.column === "role") {
          return [
            { node, title: node.title, state: stateText(node.counts), sub: countOf(totalOf(node.counts), "container") },
          ];
        }
        return below(node)
          .toSorted(worstFirst)
          .map((container): OutlineLine => {
            const [role] = below(container);
            const isBlocked = isBlockedNode(container.id);
            return {
              node: container,
              title: isBlocked ? node.title : `${node.title} · ${container.title}`,
              state: stateText(container.counts),
              role,
              sub: isBlocked ? container.title : undefined,
            };
          });
      });
  return h(
    "ul",
    { class: "outline" },
    map.nodes
      .filter(({ column }) => column === "namespace")
      .map((namespace) =>
        h(
          "li",
          { key: namespace.id },
          h(
            "h2",
            { class: STATE_LOOKS[worstState(namespace.counts)].tone },
            icon(STATE_LOOKS[worstState(namespace.counts)].glyph),
            h("a", { class: "node namespace", href: namespace.href }, shown(namespace.title)),
            h("span", { class: "total" }, totalOf(namespace.counts).toLocaleString("en")),
          ),
          stateBar(namespace.counts),
          h("ul", null, linesOf(namespace).map(outlineLine)),
        ),
      ),
  );
}

function outlineLine({ node, title, state, role, sub }: OutlineLine): ComponentChild {
  const { id, column, counts, detail, code, href } = node;
  const { tone, glyph } = STATE_LOOKS[worstState(counts)];
  const isFailure = tone === "bad" && column !== "role";
  return h(
    "li",
    { key: id, class: `line ${tone}${isFailure ? " failure" : ""}` },
    icon(glyph),
    h("a", { class: `main node ${column} ${tone}`, href }, shown(title)),
    h("span", { class: "label" }, state),
    role === undefined
      ? h("span", { class: "sub faint" }, shown(sub ?? "no role"))
      : h("a", { class: "sub role-name", href: role.href }, shown(role.title)),
    (detail !== "" || code !== undefined) &&
      h(
        "span",
        { class: "end" },
        detail !== "" &&
          h("span", { class: tone === "notice" || tone === "bad" ? `until ${tone}` : "until" }, shown(detail)),
        code !== undefined && codeTag(code, tone),
      ),
  );
}

/** "2 valid", "1 of 3 expired"; without a number if there is one. */
function stateText(counts: StateCounts): string {
  const worst = worstState(counts);
  const [alike, all] = [counts[worst] ?? 0, totalOf(counts)];
  const { label } = STATE_LOOKS[worst];
  if (all === 1) return label;
  return alike === all ? `${all} ${label}` : `${alike} of ${all} ${label}`;
}
