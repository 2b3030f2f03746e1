// Finds members of interfaces and types that no program reads, on the compiler's own syntax tree.

import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import {
  isBinaryExpression,
  isElementAccessExpression,
  isIdentifier,
  isInterfaceDeclaration,
  isMethodSignatureDeclaration,
  isObjectBindingPattern,
  isPropertyAccessExpression,
  isPropertySignatureDeclaration,
  isStringLiteral,
  isTypeAliasDeclaration,
} from "typescript/unstable/ast/is";
import { parseFiles } from "./syntax.ts";

/** A member as declared; `type` is the interface or type in which it is. */
interface Member {
  readonly path: string;
  readonly type: string;
  readonly name: string;
}

/**
 * Returns `path: Type.member` for each member below src/ whose name no file reads: by an access, in a destructuring, or
 * as a literal index. Setting a member is no read. A member is missed if one of another type with its name is read.
 */
export function unreadMembers(sources: ReadonlyMap<string, string>): readonly string[] {
  const files = [...sources].filter(([path]) => !path.includes("/generated/"));
  const members: Member[] = [];
  const read = new Set<string>();
  for (const [path, file] of parseFiles(files))
    visit(file, (node, type) => {
      for (const name of namesReadBy(node)) read.add(name);
      const name = path.startsWith("src/") ? memberName(node) : undefined;
      if (name !== undefined) members.push({ path, type, name });
    });
  return members.filter(({ name }) => !read.has(name)).map(({ path, type, name }) => `${path}: ${type}.${name}`);
}

/** Calls `onNode` for each node, with the name of the interface or type around it. */
function visit(file: SourceFile, onNode: (node: Node, type: string) => void): void {
  function descend(node: Node, type: string): void {
    onNode(node, type);
    const inner = isInterfaceDeclaration(node) || isTypeAliasDeclaration(node) ? node.name.text : type;
    node.forEachChild((child) => descend(child, inner));
  }
  descend(file, "");
}

function memberName(node: Node): string | undefined {
  if (!isPropertySignatureDeclaration(node) && !isMethodSignatureDeclaration(node)) return undefined;
  return isIdentifier(node.name) ? node.name.text : undefined;
}

function namesReadBy(node: Node): readonly string[] {
  if (isPropertyAccessExpression(node)) return isSet(node) ? [] : [node.name.text];
  if (isElementAccessExpression(node))
    return isStringLiteral(node.argumentExpression) ? [node.argumentExpression.text] : [];
  if (!isObjectBindingPattern(node)) return [];
  return node.elements.flatMap(({ propertyName, name }) => {
    const key = propertyName ?? name;
    return key !== undefined && (isIdentifier(key) || isStringLiteral(key)) ? [key.text] : [];
  });
}

/** Reports whether the node is the target of a plain assignment. */
function isSet(node: Node): boolean {
  const { parent } = node;
  return isBinaryExpression(parent) && parent.left === node && parent.operatorToken.kind === SyntaxKind.EqualsToken;
}
