// $(VAR) references as Kubernetes resolves them in env values, command and args. Pure.
// (https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/)

/** Replaces `$(NAME)` by its value; an unknown name stays as it is written, and `$$(NAME)` gives `$(NAME)`. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (lookup(name) ?? whole),
  );
}
